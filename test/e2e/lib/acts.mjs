// What people do again and again: answer a form, open the link of a mail, define
// a password, come in. Everything by what the page says.

import assert from 'node:assert/strict'
import { both, fill, say } from './words.mjs'
import { until } from './wait.mjs'
import { mails } from './mail.mjs'

// letter waits for a mail to somebody in which find gives something, and puts it
// aside: the next call waits for another. find gets the mail.
export async function letter(server, to, what, find) {
  server.opened ??= new Set()
  return until(`${what}, to ${to}`, async () => {
    for (const mail of (await mails(server.data)).reverse()) {
      if (server.opened.has(mail.file) || !mail.to.includes(to)) continue
      const found = find(mail)
      if (!found) continue
      server.opened.add(mail.file)
      return found
    }
  })
}

// linkIn waits for a mail with a link to a place of the portal ("confirmar", "definir" …).
export function linkIn(server, to, place) {
  return letter(server, to, `a link to ${place}`, mail => mail.links.find(link => new RegExp(`/${place}/[^/]+$`).test(link)))
}

// codeIn waits for a mail with a confirmation code.
export function codeIn(server, to) {
  return letter(server, to, 'a code', mail => /(?<![\w/.-])\d{6}(?![\w/-])/.exec(mail.text)?.[0]) // the number of a case ends in six digits too
}

const name = text => both(text, t => t.includes('{') ? fill(t.slice(0, t.indexOf('{')).trim()) : t)

// answer fills what the page asks of the fields of a step, by their labels, and
// gives the keys of those it filled. Fields that are not shown are left.
export async function answer(who, fields, answers, files = {}, done = new Set()) {
  for (const field of fields) {
    if (done.has(field.key) || field.locked) continue
    const label = name(field.label)
    if (field.kind === 'file') {
      if (!files[field.key] || !await who.has('field', label)) continue
      await who.attach(label, ...[files[field.key]].flat())
    } else if (field.kind === 'rows') {
      await rows(who, field, answers)
    } else {
      const values = answers[field.key]
      if (!values || !await put(who, field, label, values)) continue
    }
    done.add(field.key)
  }
  return done
}

async function put(who, field, label, values, group) {
  const shown = value => field.options?.find(o => o.key === value)?.label ?? value
  switch (field.kind) {
    case 'choice':
      if (field.radio) {
        if (!await who.has('option', shown(values[0]), label)) return false
        await who.tick(shown(values[0]), label)
        return true
      }
      if (!await who.has('field', label, group)) return false
      await who.choose(label, shown(values[0]), group)
      return true
    case 'choices':
      if (!await who.has('option', shown(values[0]), label)) return false
      for (const value of values) await who.tick(shown(value), label)
      return true
    case 'tick':
      if (!await who.has('option', label)) return false
      await who.tick(label)
      return true
    case 'body':
      if (!await who.has('field', label)) return false
      await who.fill(label, values[0])
      await who.press(say('web.search'))
      await who.tick(new RegExp('.'), label)
      return true
  }
  if (!await who.has('field', label, group)) return false
  await who.fill(label, values.join('\n'), group)
  return true
}

async function rows(who, field, answers) {
  const count = Math.max(...field.columns.map(column => answers[`${field.key}.${column.key}`]?.length ?? 0))
  for (let i = 0; i < count; i++) {
    const row = say('web.row', { n: i + 1 })
    const first = field.columns[0]
    if (!await who.has('field', first.label, row)) await who.press(say('web.add-row'))
    for (const column of field.columns) {
      const value = answers[`${field.key}.${column.key}`]?.[i]
      if (value) await put(who, column, column.label, [value], row)
    }
  }
}

// goOn answers a step and presses its button, again if the answers led to more
// questions, until the page is another.
export async function goOn(who, step, answers, files = {}, button = say('web.save-and-go-on')) {
  const from = who.at()
  let done = new Set()
  for (let turn = 0; turn < 3; turn++) {
    const before = done.size
    done = await answer(who, step.fields, answers, files, done)
    assert.ok(turn === 0 || done.size > before, `${from} came back and asks for nothing that is known:\n${await problems(who)}`)
    await who.press(button)
    if (who.at() !== from) return
  }
  throw new Error(`${from} comes back again and again:\n${await problems(who)}`)
}

// problems reads the summary of errors.
export async function problems(who) {
  return who.page.evaluate(() => document.querySelector('.error-summary, [role=alert]')?.innerText ?? '')
}

// file goes through all the steps of a procedure to its review and submits it.
export async function file(who, procedure, answers, files) {
  for (const step of procedure.steps) await goOn(who, step, answers, files)
  await who.press(procedure.submit.label)
  assert.match(who.at(), /\/recibo$/, await problems(who))
}

// prove opens the mailed link and confirms the address.
export async function prove(who, server, email) {
  await who.open(await linkIn(server, email, 'confirmar'))
  await who.press(say('web.prove.button'))
}

// define chooses a password behind a one-time link.
export async function define(who, link, password) {
  await who.open(link)
  await choosePassword(who, password)
  await who.press(say('pass.title'))
}

// choosePassword types it twice.
export async function choosePassword(who, password, again = password) {
  await who.fill(say('pass.new'), password)
  await who.fill(say('pass.repeat'), again)
}

// enter types user and password on the home page of a portal.
export async function enter(who, portal, email, password) {
  await who.open(`/${portal.name}/`)
  await who.fill(portal['sign-in'].user, email)
  await who.fill(portal['sign-in'].password, password)
  await who.press(portal['sign-in'].enter)
}

// confirm types the code that came by mail; where there is a choice, the mail is chosen.
export async function confirm(who, server, email) {
  if (await who.has('button', say('web.code.send'))) {
    await who.tick(say('login.channel.mail'))
    await who.press(say('web.code.send'))
  }
  await who.fill(say('web.code'), await codeIn(server, email))
  await who.press(say('web.code.confirm'))
}

// signIn comes in with password and code.
export async function signIn(who, server, portal, email, password) {
  await enter(who, portal, email, password)
  await confirm(who, server, email)
}

// officer comes in by a link that the program printed, and gives their address.
export async function officer(who, server, portal, nth, password) {
  const links = await until('the links of the officers', () => {
    const all = server.links().filter(l => l.url.includes(`/${portal.name}/tecnico/convite/`))
    return all.length > nth && all
  })
  await who.open(links[nth].url)
  const email = await who.page.evaluate(() => document.querySelector('input[autocomplete=username]').value)
  await choosePassword(who, password)
  await who.press(say('pass.title'))
  await signIn(who, server, portal, email, password)
  return email
}
