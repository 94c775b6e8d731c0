// Starts the program on a fresh data directory, as somebody who tries it does,
// and stops it again.

import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { mails, messages } from './mail.mjs'
import { until } from './wait.mjs'

const run = promisify(execFile)

// build makes the binary and gives its path.
export async function build(top, dir) {
  const binary = join(dir, 'chancela')
  await run('go', ['build', '-o', binary, './cmd/chancela'], { cwd: top, maxBuffer: 1 << 24 })
  return binary
}

// routes asks the binary for the list of its addresses.
export async function routes(binary) {
  return (await run(binary, ['routes'], { maxBuffer: 1 << 24 })).stdout
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address()
  await new Promise(resolve => server.close(resolve))
  return port
}

export class Server {
  stdout = ''
  stderr = ''

  // start gives a server that answers /readyz.
  static async start(binary, args = []) {
    const server = new Server()
    server.data = await mkdtemp(join(tmpdir(), 'chancela-e2e-data-'))
    const port = await freePort()
    server.origin = `http://localhost:${port}`
    server.child = spawn(binary, ['serve', '--data', server.data, '--listen', `127.0.0.1:${port}`, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    server.child.stdout.on('data', text => { server.stdout += text })
    server.child.stderr.on('data', text => { server.stderr += text })
    server.ended = new Promise(resolve => server.child.once('exit', (code, signal) => resolve(server.exit = signal ?? code)))
    try {
      await until('the server is ready', async () => {
        if (server.exit !== undefined) throw new Error(`the server ended with ${server.exit}:\n${server.stderr || server.stdout}`)
        return (await fetch(`${server.origin}/readyz`).catch(() => null))?.ok
      }, { seconds: 30, fatal: () => server.exit !== undefined })
    } catch (err) {
      await server.stop()
      throw err
    }
    return server
  }

  // links gives the one-time links that the server printed: [{url, line}].
  links() {
    return this.stdout.split('\n').flatMap(line => (line.match(/https?:\/\/\S+/g) ?? []).map(url => ({ url: url.replace(/[.,;)]+$/, ''), line })))
  }

  // link waits for a printed link whose line matches.
  async link(pattern) {
    return (await until(`a printed link ${pattern}`, () => this.links().find(l => pattern.test(l.line)))).url
  }

  // mail waits for a mail that fits all that is asked: {to, subject, text}
  // strings or patterns; {nth} counts from the oldest.
  async mail({ nth = 0, ...want }) {
    const fits = mail => Object.entries(want).every(([name, value]) => value instanceof RegExp ? value.test(mail[name]) : mail[name].includes(value))
    return until(`a mail with ${JSON.stringify(want, (_, v) => v instanceof RegExp ? String(v) : v)}`, async () => (await mails(this.data)).filter(fits)[nth])
  }

  // sms waits for a message to a number.
  async sms({ to, text = /./, nth = 0 }) {
    return until(`a message to ${to}`, async () => (await messages(this.data)).filter(m => m.to === to && text.test(m.text))[nth])
  }

  // faults gives the lines by which the server says that a person must look.
  faults() {
    return (this.stdout + this.stderr).split('\n').filter(line => /"level":"ERROR"|\blevel=ERROR\b|^panic:|http: panic/.test(line))
  }

  async stop() {
    if (this.exit === undefined) {
      this.child.kill('SIGINT')
      const late = setTimeout(() => this.child.kill('SIGKILL'), 15_000)
      await this.ended
      clearTimeout(late)
    }
    await rm(this.data, { recursive: true, force: true })
    return this.exit
  }
}
