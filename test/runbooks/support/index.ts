export { AckWriter } from './ack-writer.ts'
export { masked, missingLine, type Step, stepsOf, stepsUnder } from './page.ts'
export { Site } from './site.ts'
