export * from './requests.ts'
export * from './stage.ts'
export * from './wire-client.ts'
