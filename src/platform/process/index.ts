/** What the operating system says about this process. Nothing here loads a package. */
export { readProcess } from './read-process.ts'
export { watchCollections } from './read-runtime.ts'
