// A person at a browser: opens, reads, types and presses by what the page says,
// the same in every browser and without script.
//
// Wherever a name is asked, it may be a string, a pattern, or both languages:
// {pt: 'ENTRAR', en: 'SIGN IN'}.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { locate, names } from './find.mjs'
import { judge } from './judge.mjs'
import { until } from './wait.mjs'

export class Visitor {
  status = 0 // of the page last loaded
  patience = 5 // seconds that a text or a field may take to appear
  #problems = []
  #loads = 0

  // mode is one of browsers.mjs; run gathers what was visited and judged:
  // {origin, visits: [], judged: Set, known: Set, tally, label, shots}.
  constructor(page, mode, run) {
    this.page = page
    this.mode = mode
    this.run = run
    page.watch({ answered: response => this.#answered(response), problem: text => this.#problem(text) })
  }

  #answered({ method, url, status, main }) {
    const to = new URL(url)
    if (to.protocol === 'data:' || to.protocol === 'blob:') return
    if (to.origin !== this.run.origin) {
      this.#problem(`asked somebody else: ${url}`)
      return
    }
    this.run.visits.push({ method, path: to.pathname, mode: this.mode.name })
    if (main) this.status = status
    else if (status >= 400 && to.pathname !== '/favicon.ico') this.#problem(`${status} for ${to.pathname}`)
  }

  #problem(text) {
    if (!text.startsWith('Failed to load resource')) this.#problems.push(text) // the status is told above
  }

  // word picks the reader's language.
  word(name) {
    return name?.pt !== undefined ? name[this.mode.lang] : name
  }

  // open goes to an address of the server, or to a link from a mail.
  // {lang} is the language the page must have, if it is not the mode's.
  async open(path, { lang } = {}) {
    await this.page.goto(new URL(path, this.run.origin).href)
    await this.#arrived(lang)
  }

  // press presses the button (or follows the link) of that name and waits for
  // the page it leads to; {stay: true} for one that leads nowhere.
  async press(name, { stay = false } = {}) {
    await this.#click('press', name, { stay })
  }

  // follow follows the link of that name; {lang} as in open.
  async follow(name, { lang } = {}) {
    await this.#click('link', name, { lang })
  }

  // unfold opens a part of the page that is folded away, if it is.
  async unfold(name) {
    const fold = await this.#find('fold', name)
    if (!await fold.evaluate(summary => summary.closest('details').open)) await this.page.click(fold)
  }

  // fill types into the field of that label; a table {label: text} fills many.
  // group is the legend around it, where one label stands on a page many times.
  async fill(label, text, group) {
    if (text === undefined) {
      for (const [each, value] of Object.entries(label)) await this.fill(each, value)
      return
    }
    await this.page.fill(await this.#find('field', label, this.word(group)), text)
  }

  // choose picks from the list of that label, by the value or the text shown.
  async choose(label, option, group) {
    const el = await this.#find('field', label, this.word(group))
    const wanted = this.word(option)
    const value = await el.evaluate((select, wanted) => [...select.options].find(o => o.value === wanted || o.text.trim() === wanted)?.value, wanted)
    assert.notEqual(value, undefined, `"${this.#say(label)}" has no "${wanted}"`)
    await this.page.choose(el, value)
  }

  // tick presses a radio button or a check box; group is the legend around it.
  async tick(label, group) {
    const el = await this.#find('option', label, this.word(group))
    if (!await el.evaluate(box => box.checked)) await el.evaluate(box => (box.labels?.[0] ?? box).click())
  }

  // untick clears a check box.
  async untick(label, group) {
    const el = await this.#find('option', label, this.word(group))
    if (await el.evaluate(box => box.checked)) await el.evaluate(box => (box.labels?.[0] ?? box).click())
  }

  // attach gives files (paths) to the field of that label.
  async attach(label, ...files) {
    await this.page.attach(await this.#find('field', label), files)
  }

  // has tells whether something of a kind (find.mjs) is on the page now.
  async has(kind, name, group) {
    return await this.page.element(locate, this.#ask(kind, name, this.word(group))) !== null
  }

  // key presses a key, as somebody without a mouse does.
  async key(name) {
    await this.page.key(name)
  }

  // type types where the focus is.
  async type(text) {
    await this.page.type(text)
  }

  // tabTo moves with the Tab key until something of a kind has the focus, which
  // must be seen wherever it is, and gives how many presses it took.
  async tabTo(kind, name) {
    const wanted = await this.#find(kind, name)
    for (let presses = 1; presses <= 60; presses++) {
      await this.page.key('Tab')
      const hidden = await this.page.evaluate(unseenFocus)
      assert.equal(hidden, '', `on ${this.page.url()} the focus cannot be seen`)
      if (await wanted.evaluate(el => el === document.activeElement)) return presses
    }
    throw new Error(`60 presses of Tab do not reach "${this.#say(name)}" on ${this.page.url()}`)
  }

  // submits presses a key and waits for the page it leads to.
  async submits(key = 'Enter') {
    const mark = await this.#mark()
    await this.page.key(key)
    await this.#loaded(mark, key)
  }

  // value reads what stands in a field.
  async value(label) {
    return (await this.#find('field', label)).evaluate(field => field.value)
  }

  // text reads the whole page as a person does.
  async text() {
    return (await this.page.evaluate(() => document.body.innerText)).replace(/\s+/g, ' ').trim()
  }

  // sees waits until the page says this.
  async sees(...texts) {
    for (const each of texts) {
      const wanted = this.word(each)
      const plain = wanted instanceof RegExp ? wanted : wanted.replace(/\s+/g, ' ')
      await until(`the page ${this.page.url()} says ${wanted}`, async () => {
        const text = await this.text()
        return plain instanceof RegExp ? plain.test(text) : text.toLowerCase().includes(plain.toLowerCase())
      }, { seconds: this.patience }).catch(async err => { throw new Error(`${err.message}\nit says: ${(await this.text()).slice(0, 1500)}`) })
    }
  }

  // comes opens an address again and again until it says this: for what is made
  // behind the pages.
  async comes(path, text, { seconds = 20 } = {}) {
    const wanted = this.word(text)
    await until(`${path} says ${wanted}`, async () => {
      await this.page.goto(new URL(path, this.run.origin).href)
      const shown = await this.text()
      return wanted instanceof RegExp ? wanted.test(shown) : shown.includes(wanted)
    }, { seconds })
    await this.#arrived()
  }

  // misses holds when the page does not say this.
  async misses(...texts) {
    const text = (await this.text()).toLowerCase()
    for (const each of texts) assert.ok(!text.includes(this.word(each).toLowerCase()), `the page ${this.page.url()} says "${this.word(each)}"`)
  }

  // heading reads the h1.
  async heading() {
    return this.page.evaluate(() => document.querySelector('h1')?.innerText.replace(/\s+/g, ' ').trim() ?? '')
  }

  // at gives the path of the page shown.
  at() {
    return new URL(this.page.url()).pathname
  }

  // screenshot keeps a picture of the whole page.
  async screenshot(name) {
    const file = join(this.run.shots, `${name}-${this.mode.name}.png`)
    await mkdir(dirname(file), { recursive: true })
    await this.page.screenshot(file, true)
    return file
  }

  // state judges the page after something changed on it without a load.
  async state(name) {
    await this.#judge(name)
  }

  // get asks for an address beside the browser, with nobody's cookies: for what
  // no person opens (lists, certificates, JSON). It counts as visited.
  async get(path, headers = {}) {
    const url = new URL(path, this.run.origin)
    this.run.visits.push({ method: 'GET', path: url.pathname, mode: this.mode.name })
    return fetch(url, { headers, redirect: 'manual' })
  }

  // save downloads what a link of the page leads to, as this person: {status,
  // kind, name, bytes}.
  async save(link) {
    const href = await (await this.#find('link', link)).evaluate(a => a.href)
    return this.download(href)
  }

  // download gets an address as this person.
  async download(address) {
    const answer = await this.get(address, { cookie: await this.page.cookies() })
    const bytes = Buffer.from(await answer.arrayBuffer())
    return { status: answer.status, kind: answer.headers.get('content-type') ?? '', disposition: answer.headers.get('content-disposition') ?? '', bytes }
  }

  #say(name) {
    return String(this.word(name))
  }

  #ask(kind, name, group) {
    const wanted = this.word(name)
    return wanted instanceof RegExp ? { kind, pattern: { source: wanted.source, flags: wanted.flags }, group } : { kind, name: wanted, group }
  }

  async #find(kind, name, group) {
    const wanted = this.word(name), ask = this.#ask(kind, name, group)
    const found = await until(`${kind} "${wanted}" on ${this.page.url()}`, () => this.page.element(locate, ask), { seconds: this.patience }).catch(async err => {
      throw new Error(`${err.message}\nthere are: ${(await this.page.evaluate(names, kind).catch(() => [])).join(' | ')}`)
    })
    return found
  }

  async #click(kind, name, { stay, lang } = {}) {
    const el = await this.#find(kind, name)
    const mark = await this.#mark()
    await this.page.click(el)
    if (!stay) await this.#loaded(mark, this.#say(name), lang)
  }

  // mark marks the page that is shown, so that it can be told from the next.
  async #mark() {
    const mark = `load-${++this.#loads}`
    await this.page.evaluate(mark => { document.documentElement.dataset.mark = mark }, mark)
    return mark
  }

  async #loaded(mark, name, lang) {
    await until(`"${name}" leads to another page than ${this.page.url()}`, () => this.page.evaluate(
      mark => document.documentElement.dataset.mark !== mark && document.readyState === 'complete', mark))
    await this.#arrived(lang)
  }

  // arrived looks at what every page must hold.
  async #arrived(lang) {
    await this.#judge('', lang)
  }

  async #judge(state, lang = this.mode.lang) {
    const place = `${this.at()}${this.status >= 400 ? ` (${this.status})` : ''}${state ? ` (${state})` : ''}`
    const heard = this.#problems.splice(0)
    if (heard.length) this.run.tally.fail(`${this.run.label}: ${place} is quiet`, heard.join('\n'))
    if (!this.mode.judge || !this.mode.js) return
    const content = await this.page.evaluate(() => document.documentElement.outerHTML)
    const digest = createHash('sha256').update(content).digest('hex')
    if (this.run.judged.has(digest)) return
    this.run.judged.add(digest)
    this.run.tally.judge(`${this.run.label}: ${place} is accessible at 320 and 1280 px`, await judge(this.page, lang, this.run.known))
  }
}

// unseenFocus says what has the focus without showing it; it runs in the page.
function unseenFocus() {
  const el = document.activeElement
  if (!el || el === document.body) return ''
  const box = el.getBoundingClientRect(), style = getComputedStyle(el)
  const name = `<${el.tagName.toLowerCase()}> ${(el.textContent || el.name || '').trim().slice(0, 40)}`
  if (box.width < 1 || box.height < 1) return `${name}: it has no size`
  if (box.bottom <= 0 || box.top >= innerHeight || box.right <= 0 || box.left >= innerWidth) return `${name}: it is outside the window`
  if (style.outlineStyle === 'none' && style.boxShadow === 'none') return `${name}: it has no outline`
  return ''
}
