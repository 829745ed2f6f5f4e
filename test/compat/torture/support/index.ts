export { cyclesOf, Dice, newDice } from './campaign.ts'
export { Writer } from './writer.ts'
