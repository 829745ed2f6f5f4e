export {
  type Grant,
  type Layout,
  RecipeError,
  type RecipeErrorCode,
  type WaitOptions,
} from './base/index.ts'
export { Mutex, type MutexOptions } from './mutex.ts'
