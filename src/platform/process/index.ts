/** This process, and what the operating system says about it. Nothing here loads a package. */
export { EXIT_PROGRAM_FAILURE } from './exit-code.ts'
export { readProcess } from './read-process.ts'
export { watchCollections } from './read-runtime.ts'
