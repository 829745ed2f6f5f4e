#!/usr/bin/env node
import { main } from '../src/cli/index.ts'

main(process.argv)
