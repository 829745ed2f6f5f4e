// npm run build: compiles everything that is published, from scratch.
import { build, ensureInstalled, requireNode } from './lib/prepare.mjs'

requireNode()
ensureInstalled()
build()
