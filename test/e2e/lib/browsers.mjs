// The browsers, each behind the same few verbs: Chromium by Playwright, Firefox
// by Puppeteer over WebDriver BiDi. What a journey uses is in visitor.mjs; here
// is only what the two libraries spell differently.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { existsSync } from 'node:fs'

// modes are the ways every journey is played. Accessibility is judged where
// judge is true; the language is what the browser asks for.
export const modes = [
  { name: 'chromium-pt', browser: 'chromium', lang: 'pt', js: true, judge: true },
  { name: 'chromium-en', browser: 'chromium', lang: 'en', js: true, judge: true },
  { name: 'firefox-pt', browser: 'firefox', lang: 'pt', js: true, judge: false },
  { name: 'chromium-noscript', browser: 'chromium', lang: 'pt', js: false, judge: false },
]

const accept = { pt: 'pt-PT', en: 'en-GB' }

function executable(names) {
  const found = names.flatMap(name => ['/usr/bin/', '/usr/local/bin/', '/snap/bin/'].map(dir => dir + name)).find(existsSync)
  if (!found) throw new Error(`none of these browsers is installed: ${names.join(', ')}`)
  return found
}

// Quiet keeps Chromium from asking its maker for updates and lists: a test
// talks to nobody but the server under test.
const quiet = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-default-apps', '--disable-domain-reliability', '--disable-features=Translate,OptimizationHints,MediaRouter']

// launch gives a browser with: context(mode) → {page(), close()}, close().
export async function launch(mode) {
  return mode.browser === 'firefox' ? firefox(mode) : chromium()
}

async function chromium() {
  const { chromium } = await import('playwright-core')
  // The headless shell is the same engine without windows, and costs half.
  const browser = await chromium.launch({ executablePath: executable(['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome']), args: quiet })
  return {
    async context(mode) {
      const context = await browser.newContext({ locale: accept[mode.lang], javaScriptEnabled: mode.js, viewport: { width: 1280, height: 900 }, acceptDownloads: true })
      context.setDefaultTimeout(15_000)
      return {
        page: async () => new PlaywrightPage(await context.newPage(), context),
        close: () => context.close(),
      }
    },
    close: () => browser.close(),
  }
}

async function firefox(mode) {
  const { default: puppeteer } = await import('puppeteer-core')
  const profile = await mkdtemp(join(tmpdir(), 'chancela-e2e-firefox-'))
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: executable(['firefox-esr', 'firefox']),
    headless: true,
    userDataDir: profile,
    env: { ...process.env, HOME: profile, MOZ_CRASHREPORTER_DISABLE: '1' },
    extraPrefsFirefox: {
      'intl.accept_languages': `${accept[mode.lang]}, ${mode.lang}`,
      'network.captive-portal-service.enabled': false,
      'network.connectivity-service.enabled': false,
      'services.settings.server': 'data:,',
      'extensions.update.enabled': false,
      'app.update.enabled': false,
      'browser.download.useDownloadDir': true,
      'pdfjs.disabled': true,
      // Nobody watches: fewer processes are a third of what Firefox costs.
      'dom.ipc.processPrelaunch.enabled': false,
      'dom.ipc.processCount': 1,
      'ui.caretBlinkTime': 0,
      'toolkit.cosmeticAnimations.enabled': false,
    },
  })
  return {
    async context() {
      const context = await browser.createBrowserContext()
      return {
        page: async () => {
          const page = await context.newPage()
          await page.setViewport({ width: 1280, height: 900 })
          page.setDefaultTimeout(15_000)
          return new PuppeteerPage(page, context)
        },
        close: () => context.close(),
      }
    },
    async close() {
      await browser.close()
      await rm(profile, { recursive: true, force: true })
    },
  }
}

class PlaywrightPage {
  constructor(page, context) {
    this.raw = page
    this.context = context
  }

  goto(url) { return this.raw.goto(url, { waitUntil: 'load' }) }
  url() { return this.raw.url() }
  evaluate(f, arg) { return this.raw.evaluate(f, arg) }
  async element(f, arg) { return (await this.raw.evaluateHandle(f, arg)).asElement() }
  click(el) { return el.click({ noWaitAfter: true }) }
  fill(el, text) { return el.fill(text) }
  choose(el, value) { return el.selectOption(value) }
  attach(el, files) { return el.setInputFiles(files) }
  key(name) { return this.raw.keyboard.press(name) }
  type(text) { return this.raw.keyboard.type(text) }
  resize(width, height) { return this.raw.setViewportSize({ width, height }) }
  screenshot(path, whole) { return this.raw.screenshot({ path, fullPage: whole }) }
  async cookies() { return (await this.context.cookies()).map(c => `${c.name}=${c.value}`).join('; ') }

  watch({ answered, problem }) {
    this.raw.on('response', response => {
      const request = response.request()
      const main = request.isNavigationRequest() && request.frame() === this.raw.mainFrame()
      answered({ method: request.method(), url: response.url(), status: response.status(), main })
    })
    this.raw.on('console', message => message.type() === 'error' && problem(message.text()))
    this.raw.on('pageerror', err => problem(`script: ${err.message}`))
  }
}

class PuppeteerPage {
  constructor(page, context) {
    this.raw = page
    this.context = context
  }

  goto(url) { return this.raw.goto(url, { waitUntil: 'load' }) }
  url() { return this.raw.url() }
  evaluate(f, arg) { return this.raw.evaluate(f, arg) }
  async element(f, arg) { return (await this.raw.evaluateHandle(f, arg)).asElement() }

  // click presses where a person would, and only what is in sight there; again,
  // as a person does, where it moved away in between.
  async click(el) {
    for (let missed = true, tries = 0; missed && tries < 3; tries++) {
      const [x, y] = await el.evaluate(e => {
        e.scrollIntoView({ block: 'center', behavior: 'instant' })
        const [box] = e.getClientRects(), x = box.x + box.width / 2, y = box.y + box.height / 2
        const there = document.elementFromPoint(x, y)
        if (!there || !e.contains(there) && !there.contains(e)) throw new Error(`<${there?.tagName}> lies over what is pressed`)
        window.missed = true
        e.addEventListener('click', () => { window.missed = false }, { once: true, capture: true })
        return [x, y]
      })
      await this.raw.mouse.click(x, y)
      missed = await this.raw.evaluate(() => window.missed === true).catch(() => false) // another page is there already
    }
  }

  async fill(el, text) {
    const typed = await el.evaluate(e => ['date', 'time', 'month', 'number', 'color', 'range'].includes(e.type))
    if (typed) { // their editors differ from browser to browser
      await el.evaluate((e, text) => { e.value = text; e.dispatchEvent(new Event('input', { bubbles: true })); e.dispatchEvent(new Event('change', { bubbles: true })) }, text)
      return
    }
    // As a paste: key by key a long text takes half a minute. Keys are pressed where a journey is about them.
    await el.evaluate((e, text) => { e.focus(); e.select?.(); document.execCommand(text === '' ? 'delete' : 'insertText', false, text) }, text)
  }

  choose(el, value) { return el.select(value) }
  attach(el, files) { return el.uploadFile(...[files].flat()) }
  key(name) { return this.raw.keyboard.press(name) }
  type(text) { return this.raw.keyboard.type(text) }
  resize(width, height) { return this.raw.setViewport({ width, height }) }
  screenshot(path, whole) { return this.raw.screenshot({ path, fullPage: whole }) }
  async cookies() { return (await this.context.cookies()).map(c => `${c.name}=${c.value}`).join('; ') }

  watch({ answered, problem }) {
    this.raw.on('response', response => {
      const request = response.request()
      const main = request.isNavigationRequest() && request.frame() === this.raw.mainFrame()
      answered({ method: request.method(), url: response.url(), status: response.status(), main })
    })
    this.raw.on('console', message => message.type() === 'error' && problem(message.text()))
    this.raw.on('pageerror', err => problem(`script: ${err.message}`))
  }
}
