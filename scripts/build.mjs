// npm run build: compiles everything that is published, from scratch.
import { prepare } from './lib/prepare.mjs'

prepare({ always: true })
