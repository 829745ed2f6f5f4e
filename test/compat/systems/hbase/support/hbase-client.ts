import path from 'node:path'
import { AskedProgram } from '../../support/index.ts'

const SOURCE = path.join(import.meta.dirname, '../programs/HBaseSession.java')

/** Masters and region servers by their ports. */
export interface HBaseStatus {
  readonly master: string
  readonly backups: readonly string[]
  readonly live: readonly string[]
  readonly dead: readonly string[]
  /** Regions that are neither open nor closed. */
  readonly transitions: number
}

/** HBase's Java client in a process of its own, asked one thing at a time. */
export class HBaseClient extends AskedProgram {
  constructor(javaArguments: readonly string[]) {
    super(SOURCE, javaArguments)
  }

  async status(): Promise<HBaseStatus> {
    const answer = await this.ask('status')
    const [, master, backups, live, dead, transitions] =
      /^master (\S+) backups (\S+) live (\S+) dead (\S+) transitions (\d+)$/.exec(answer)!
    return {
      master: master!,
      backups: portsIn(backups!),
      live: portsIn(live!),
      dead: portsIn(dead!),
      transitions: Number(transitions),
    }
  }

  /** How many rows HBase has acknowledged since the load began. */
  async acknowledged(): Promise<number> {
    return Number((await this.ask('acknowledged')).replace('acknowledged ', ''))
  }
}

function portsIn(text: string): readonly string[] {
  return text === '-' ? [] : text.split(',')
}
