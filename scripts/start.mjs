// npm start [-- zoo.cfg and flags]: installs and builds what is missing, then runs `zabkeeper serve` in this process,
// so that signals reach the server itself.
import { pathToFileURL } from 'node:url'
import { at, prepare } from './lib/prepare.mjs'

prepare()
const { main } = await import(pathToFileURL(at('dist', 'src', 'cli', 'index.js')).href)
main([process.execPath, 'zabkeeper', 'serve', ...process.argv.slice(2)])
