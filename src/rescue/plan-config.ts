import path from 'node:path'
import type { RescueFiles } from './files.ts'
import { withDynamicFile, withMembers } from './new-config.ts'
import { RescueError } from './rescue-error.ts'
import type { OldConfig, RescueWishes } from './rescue-target.ts'
import type { Survivor } from './survivors.ts'

/** A file with its text to be. */
export interface NewText {
  readonly file: string
  readonly text: string
}

/** How the configuration changes. It counts from the moment at which `main` is in place. */
export interface ConfigEdit {
  /** The dynamic file, under a new name, so that the old one still fits the old configuration. */
  readonly dynamic: NewText | null
  readonly main: NewText
  /** Where the old text is kept; null when the new one goes elsewhere. */
  readonly oldCopy: NewText | null
}

/**
 * The configuration with these servers only.
 * @throws RescueError when such a list makes no ensemble, or the file may not be written.
 */
export function planConfig(
  files: RescueFiles,
  { check, dynamic, file, text }: OldConfig,
  members: readonly number[],
  own: Survivor,
  { newConfig }: RescueWishes,
): ConfigEdit {
  const zxid = own.lastZxid.toString(16)
  const change = {
    ids: new Set(members),
    note: `Lost, and taken off the list by zabkeeper force-quorum at zxid 0x${zxid}:`,
  }
  const place = newConfig === null ? file : path.resolve(newConfig)
  if (!files.mayWrite(path.dirname(place))) {
    throw new RescueError(
      'folder',
      `${place} cannot be written: this user may not change ${path.dirname(place)}. ` +
        'Name a file elsewhere with --new-config, and put it in place by hand',
    )
  }
  const newDynamic =
    dynamic === null
      ? null
      : { file: nextName(dynamic.file, zxid), text: withMembers(dynamic.text, change) }
  const newText =
    newDynamic === null ? withMembers(text, change) : withDynamicFile(text, newDynamic.file)
  const fault = check(newText, newDynamic === null ? null : newDynamic.text)
  if (fault !== null) {
    throw new RescueError(
      'usage',
      `A list of servers ${members.join(', ')} makes no ensemble: ${fault}`,
    )
  }
  const oldCopy = place === file ? { file: `${file}.before-force-quorum-0x${zxid}`, text } : null
  return { dynamic: newDynamic, main: { file: place, text: newText }, oldCopy }
}

/** Upstream names them `zoo.cfg.dynamic.<version>`. */
function nextName(file: string, zxid: string): string {
  return `${file.replace(/\.[0-9a-f]+$/, '')}.force-quorum-${zxid}`
}

export function writeConfig(files: RescueFiles, { dynamic, main, oldCopy }: ConfigEdit): void {
  if (oldCopy !== null) files.write(oldCopy.file, oldCopy.text)
  if (dynamic !== null) files.write(dynamic.file, dynamic.text)
  files.write(main.file, main.text)
}
