// Plays every journey in every mode: Chromium in Portuguese and in English (where
// accessibility is judged on every page), Firefox, and Chromium without script.
//
//   test/e2e/run [--only JOURNEY] [--mode MODE] [--counts FILE] [--shots DIR] [--binary FILE] [--self]
//
// Each journey gets a server of its own on a fresh data directory. At the end the
// list of pages comes from the router itself, and a page that no journey opened
// is a failure. Start reading at play.

import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { launch, modes } from './lib/browsers.mjs'
import { parse, unvisited } from './lib/routes.mjs'
import { build, routes, Server } from './lib/server.mjs'
import { Tally } from './lib/tally.mjs'
import { Visitor } from './lib/visitor.mjs'
import { selfTest } from './self.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const top = join(here, '..', '..')

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    mode: { type: 'string' },
    counts: { type: 'string' },
    shots: { type: 'string', default: join(top, '.cache', 'e2e') },
    binary: { type: 'string' }, // instead of building one
    self: { type: 'boolean', default: false },
  },
})

const tally = new Tally()
const tmp = await mkdtemp(join(tmpdir(), 'chancela-e2e-'))
process.once('SIGTERM', () => process.exit(143))
process.once('SIGINT', () => process.exit(130))

try {
  await mkdir(options.shots, { recursive: true })
  if (!options.only) await selfTest(tally, options.shots)
  if (!options.self) await playAll()
} catch (err) {
  tally.fail('the runner', err)
} finally {
  await rm(tmp, { recursive: true, force: true })
}
if (tally.broken.length) console.log(`\nwhat failed:\n${tally.broken.map(name => `  ${name}`).join('\n')}`)
if (options.counts) await writeFile(options.counts, `${tally.passed} ${tally.failed}\n`)
console.log(`e2e: ${tally.passed} passed, ${tally.failed} failed`)
process.exit(tally.failed > 0 || tally.passed === 0 ? 1 : 0)

async function playAll() {
  let { binary } = options
  if (!binary && !await tally.try('the program builds', async () => { binary = await build(top, tmp) })) return
  const visits = [], known = new Set()
  const journeys = await loadJourneys()
  const wanted = modes.filter(m => !options.mode || m.name === options.mode).map(m => ({ ...m, visits, known, binary, judged: new Set(), took: 0 }))
  const queue = wanted.flatMap(mode => journeys.filter(j => !j.modes || j.modes.includes(mode.name)).map(journey => ({ mode, journey })))
  const worker = async () => {
    for (let next; (next = queue.shift());) await playOne(next)
  }
  await Promise.all([worker(), worker()]) // two at a time: a person mostly waits
  for (const mode of wanted) {
    await (await mode.launched)?.close()
    console.log(`# ${mode.name}: ${(mode.took / 1000).toFixed(1)} s`)
  }
  if (options.only || options.mode) return // not the whole, so the list cannot be complete
  await tally.try('every page of the router was opened by a journey', async () => {
    const judging = new Set(modes.filter(m => m.judge).map(m => m.name))
    const missing = unvisited(parse(await routes(binary)), visits.filter(v => judging.has(v.mode)))
    if (missing.length) throw new Error(`no journey opened:\n${missing.join('\n')}`)
  })
}

// playOne plays one journey in one mode: by itself, so that no worker is left
// without work while the other has a whole mode before it. A mode has one browser.
async function playOne({ mode, journey }) {
  const started = Date.now()
  mode.launched ??= launch(mode)
  await play(journey, mode, { ...mode, browser: await mode.launched })
  const took = Date.now() - started
  mode.took += took
  console.log(`# ${mode.name} ${journey.name}: ${(took / 1000).toFixed(1)} s`)
}

async function loadJourneys() {
  const files = (await readdir(join(here, 'journeys'))).filter(name => name.endsWith('.mjs')).sort()
  const wanted = files.filter(name => !options.only || name === `${options.only}.mjs`)
  if (wanted.length === 0) throw new Error('there is no such journey')
  return Promise.all(wanted.map(async name => ({ name: name.replace('.mjs', ''), ...await import(pathToFileURL(join(here, 'journeys', name)).href) })))
}

// play plays one journey in one mode. A journey is a module with a default
// function that gets:
//
//   step(name, deed)  one thing that must hold; the first that fails ends the journey
//   person(name)      somebody new at a browser of their own: a Visitor
//   server            the server: links, mail, sms, data
//   mode              browser, lang, js
//
// It may export `modes`, the names of the modes it is for, when it is about
// something that the others cannot do.
async function play(journey, mode, { browser, binary, visits, known, judged }) {
  const label = `${mode.name} ${journey.name}`
  let server
  if (!await tally.try(`${label}: the server starts`, async () => { server = await Server.start(binary) })) return
  const people = []
  const ended = new Error('a step failed')
  const at = {
    server,
    mode,
    async person(name) {
      const context = await browser.context(mode)
      const visitor = new Visitor(await context.page(), mode, { origin: server.origin, visits, known, judged, tally, label: `${label} ${name}`, shots: options.shots })
      people.push({ name, context, visitor })
      return visitor
    },
    async step(name, deed) {
      if (await tally.try(`${label}: ${name}`, deed)) return
      for (const p of people) {
        await p.visitor.screenshot(`failed-${journey.name}-${p.name}`).then(file => console.log(`    # ${p.name} saw ${p.visitor.page.url()}: ${file}`), () => {})
      }
      throw ended
    },
  }
  try {
    await journey.default(at)
  } catch (err) {
    if (err !== ended) tally.fail(`${label}: outside a step`, err)
  }
  for (const p of people) await p.context.close().catch(() => {})
  tally.judge(`${label}: the server found nothing that a person must look at`, server.faults().slice(0, 20))
  const exit = await server.stop()
  tally.judge(`${label}: the server stops when asked`, exit === 0 ? [] : [`it ended with ${exit}\n${server.stderr.slice(-2000)}`])
}
