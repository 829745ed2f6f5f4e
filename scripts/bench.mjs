// npm run bench [-- arguments]: builds what is missing, then compares with an installed Apache ZooKeeper.
import { pathToFileURL } from 'node:url'
import { at, prepare } from './lib/prepare.mjs'

prepare()
const { main } = await import(pathToFileURL(at('dist', 'bench', 'main.js')).href)
await main(process.argv.slice(2))
