export { command } from './command.ts'
export {
  expectSameTree,
  expectSession,
  fillTree,
  type KeptSession,
  keepSession,
} from './content.ts'
