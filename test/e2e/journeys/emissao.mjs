// Automatic issue at ECCE: an application's mandate is ordered, tried before it is
// filed, approved by two, and used by a program with its token; what it issued is
// revoked on the page, and the mandate is ended, by its holder and by an officer.

import assert from 'node:assert/strict'
import { define, file, linkIn, officer, prove, signIn } from '../lib/acts.mjs'
import { certificate, pdf, request } from '../lib/papers.mjs'
import { portal, say } from '../lib/words.mjs'

export const modes = ['chromium-pt']

const ecce = portal('ecce')
const { ana: applicant, teresa, rui } = ecce.people
const order = ecce.procedures.emissao_automatica

export default async function ({ person, step, server }) {
  const ana = await person('ana')
  const first = await person('teresa')
  const second = await person('rui')
  const numberOn = async who => /ecce\/\d{4}\/\d+/i.exec(await who.text())[0]

  await step('Ana gets access, with the power for her body’s applications', async () => {
    await ana.open('/ecce/novo/acesso')
    await file(ana, ecce.procedures.acesso, ecce.answers('acesso'), { fich_superior: await pdf('superior-emissao.pdf'), fich_tecnicos_web: await pdf('lista-emissao.pdf') })
    const number = await numberOn(ana)
    await prove(ana, server, applicant.email)
    await officer(first, server, ecce, 0, teresa.password)
    await officer(second, server, ecce, 1, rui.password)
    await take(first, number)
    await approve(first)
    await define(ana, await linkIn(server, applicant.email, 'definir'), applicant.password)
    await signIn(ana, server, ecce, applicant.email, applicant.password)
  })

  // mandated brings a mandate from the order to its page, and gives the page.
  const mandated = async name => {
    await ana.open('/ecce/novo/emissao_automatica')
    await ana.press(say('web.start'))
    const later = new Date(Date.now() + 100 * 24 * 3600 * 1000)
    const day = `${String(later.getUTCDate()).padStart(2, '0')}/${String(later.getUTCMonth() + 1).padStart(2, '0')}/${later.getUTCFullYear()}`
    const answers = { nome_aplicacao: [name], ambiente: ['producao'], contacto_tecnico: ['app@dgex.exemplo.pt'], quantidade: ['2'], fim: [day], termos: ['true'] }
    await file(ana, order, answers)
    const number = await numberOn(ana)
    await take(first, number)
    await first.sees(say('web.trial'), name)
    await approve(first)
    await second.open('/ecce/tecnico/')
    await second.follow(number)
    await approve(second)
    await ana.open('/ecce/area')
    const href = await ana.page.evaluate(number => [...document.querySelectorAll('main li')].find(li => li.innerText.toUpperCase().includes(number) && li.querySelector('a[href*="/autorizacoes/"]'))?.querySelector('a[href*="/autorizacoes/"]').getAttribute('href'), number.toUpperCase())
    assert.ok(href, `no mandate leads anywhere: ${await ana.text()}`)
    await ana.open(href)
    return ana.at()
  }

  let page, token
  await step('the mandate is ordered, tried, approved by two, and its token is shown once', async () => {
    page = await mandated('Gestão documental de ensaio')
    await ana.press(say('web.mandate.make'))
    token = /chancela_[A-Z2-7]{52}/.exec(await ana.text())?.[0]
    assert.ok(token, 'no token is shown')
    await ana.open(page)
    assert.ok(!(await ana.text()).includes(token), 'the token is shown again')
  })

  await step('the program has a key certified by the token', async () => {
    const key = await request()
    const answer = await fetch(new URL('/api/v1/certificates', server.origin), { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/pkcs10' }, body: key.text })
    const body = await answer.text()
    assert.equal(answer.status, 201, body)
    const text = await certificate(Buffer.from(body), ['extendedKeyUsage', 'basicConstraints'])
    assert.match(text, /TLS Web Client Authentication/)
    await ana.open(page)
    await ana.sees(say('certificate.standing.active'))
  })

  await step('its holder revokes the certificate and the token, makes another, and ends the mandate', async () => {
    await ana.unfold(say('web.revoke'))
    await ana.press(say('web.revoke.button'))
    assert.equal(ana.status, 422)
    const serial = await ana.page.evaluate(() => [...document.querySelector('select[name="revogar-serie"]').options].find(o => o.value).value)
    await ana.page.evaluate(serial => {
      document.querySelector('select[name="revogar-serie"]').value = serial
      document.querySelector('select[name="revogar-fundamento"]').value = '4'
      document.querySelector('input[name="revogar-confirmo"]').checked = true
    }, serial)
    await ana.press(say('web.revoke.button'))
    await ana.sees(say('web.mandate.done.revogar'), say('certificate.standing.revoked'))
    await ana.press(say('web.mandate.drop'))
    await ana.sees(say('web.mandate.done.anular'))
    await ana.unfold(say('web.mandate.end'))
    await ana.press(say('web.mandate.end.button'))
    assert.equal(ana.status, 422)
    await ana.page.evaluate(() => { document.querySelector('input[name="terminar-confirmo"]').checked = true })
    await ana.press(say('web.mandate.end.button'))
    await ana.sees(say('web.mandate.done.terminar'), say('certificate.mandate.closed'))
  })

  await step('another is ended by an officer, with reasons', async () => {
    page = await mandated('Outra aplicação de ensaio')
    await first.open(page.replace('/autorizacoes/', '/tecnico/autorizacoes/'))
    await first.unfold(say('web.mandate.end'))
    await first.press(say('web.mandate.end.button'))
    assert.equal(first.status, 422)
    await first.fill(say('web.facts'), 'Factos de ensaio: a aplicação deixou de existir, segundo a entidade.')
    await first.press(say('web.mandate.end.button'))
    await first.sees(say('web.mandate.done.terminar'))
    await ana.open(page)
    await ana.sees(say('certificate.mandate.closed'))
  })
}

async function take(officer, number) {
  await officer.open('/ecce/tecnico/')
  await officer.follow(number)
  await officer.unfold(say('web.move.assumir'))
  await officer.press(say('web.move.assumir.button'))
  await officer.sees(say('web.moved.assumir'))
}

async function approve(officer) {
  await officer.unfold(say('web.move.deferir'))
  await officer.press(say('web.move.deferir.button'))
  await officer.sees(say('web.moved.deferir'))
}
