// A certificate is renewed from its page: the function changed, the request is
// signed with the earlier key, two officers approve, the earlier one is revoked
// once the new one is accepted. In the end she leaves the body, and what hangs on
// her powers follows.

import assert from 'node:assert/strict'
import { define, file, goOn, linkIn, officer, prove, signIn } from '../lib/acts.mjs'
import { certificate, pdf, publicKey, request, signedRequest } from '../lib/papers.mjs'
import { portal, say } from '../lib/words.mjs'

export const modes = ['chromium-pt', 'chromium-en', 'chromium-noscript']

const ecce = portal('ecce')
const { ana: applicant, teresa, rui } = ecce.people
const order = ecce.procedures.autenticacao

export default async function ({ person, step, server }) {
  const ana = await person('ana')
  const first = await person('teresa')
  const second = await person('rui')
  const numberOn = async who => /ecce\/\d{4}\/\d+/i.exec(await who.text())[0]

  await step('Ana gets access', async () => {
    await ana.open('/ecce/novo/acesso')
    await file(ana, ecce.procedures.acesso, ecce.answers('acesso'), { fich_superior: await pdf('superior-renovar.pdf'), fich_tecnicos_web: await pdf('lista-renovar.pdf') })
    const number = await numberOn(ana)
    await prove(ana, server, applicant.email)
    await officer(first, server, ecce, 0, teresa.password)
    await officer(second, server, ecce, 1, rui.password)
    await take(first, number)
    await approve(first)
    await define(ana, await linkIn(server, applicant.email, 'definir'), applicant.password)
    await signIn(ana, server, ecce, applicant.email, applicant.password)
  })

  // decided has two officers approve a case; with the proof of identity, if it is asked for.
  const decided = async (number, identity) => {
    await take(first, number)
    await approve(first)
    await second.open('/ecce/tecnico/')
    await second.follow(number)
    await approve(second)
    if (!identity) return
    await first.open('/ecce/tecnico/')
    await first.follow(number)
    await first.fill(say('web.move.comprovar.words'), 'Cartão de Cidadão, visto ao balcão de Lisboa.')
    await first.press(say('web.move.comprovar.button'))
  }
  // toAccept waits for the certificate that is to be accepted, and gives its page.
  const toAccept = async () => {
    await ana.comes('/ecce/area', say('web.certificate.state.issued'))
    const href = await ana.page.evaluate(text => [...document.querySelectorAll('main li')].find(li => li.innerText.includes(text) && li.querySelector('a[href*="/certificados/"]'))?.querySelector('a[href*="/certificados/"]').getAttribute('href'), ana.word(say('web.certificate.to-accept')))
    assert.ok(href, `no certificate to accept: ${await ana.text()}`)
    await ana.open(href)
    return ana.at()
  }

  const key = await request()
  let page, pem
  await step('she has a certificate', async () => {
    await ana.open('/ecce/novo/autenticacao')
    await ana.press(say('web.start'))
    await file(ana, order, { ...ecce.answers('autenticacao'), csr: [key.text] })
    await decided(await numberOn(ana), true)
    page = await toAccept()
    await ana.press(say('web.certificate.accept.button'))
    pem = (await ana.save(say('web.certificate.pem'))).bytes
  })

  const again = await signedRequest(pem, key.key)
  let draft
  await step('its page leads to the renewal; pressed twice it is one order', async () => {
    await ana.open(page)
    await ana.follow(say('web.renewal'))
    await ana.sees(say('web.renewal.rules'), 'openssl cms -sign -binary -nodetach', say('web.renewal.no-key'))
    await ana.press(say('web.renewal.button'))
    draft = ana.at()
    assert.match(draft, /\/passo\/1$/)
    await ana.open(`${page}/renovar`)
    await ana.press(say('web.renewal.button'))
    assert.equal(ana.at(), draft)
  })

  let number
  await step('the form is filled; the function has changed, and the request is signed with the earlier key', async () => {
    const filled = { ...ecce.answers('autenticacao'), cargo_no_certificado: ['sim'], cargo_designacao: ['Diretora de Serviços'], csr: [again.text] }
    assert.equal(await ana.value(order.steps[0].fields.find(f => f.key === 'nome_assinatura').label), applicant.name)
    for (const one of order.steps) await goOn(ana, one, filled)
    await ana.press(order.submit.label)
    assert.match(ana.at(), /\/recibo$/)
    number = await numberOn(ana)
  })

  await step('officers see what it takes the place of and what changed; no new proof of identity is needed', async () => {
    await take(first, number)
    await first.sees('Fica no lugar de', 'Cargo (title)', 'o pedido está assinado com a chave do certificado anterior')
    await approve(first)
    await second.open('/ecce/tecnico/')
    await second.follow(number)
    await approve(second)
  })

  await step('once she accepts the new one the earlier is revoked, for the change of function', async () => {
    const next = await toAccept()
    const text = await certificate((await ana.save(say('web.certificate.pem'))).bytes)
    assert.match(text, /Diretora de Serviços/)
    assert.ok(text.includes((await publicKey(again.key)).trim()), 'it is for another key')
    await ana.sees(say('web.identity.earlier-key'))
    await ana.press(say('web.certificate.accept.button'))
    await ana.open(page)
    await ana.sees(say('web.certificate.ended'), say('certificate.reason.3'))
    await ana.follow(say('web.renewal.next'))
    assert.equal(ana.at(), next)
  })

  let leave
  await step('an officer finds the body, and sees what the end of a person, or of the body, would do', async () => {
    await first.open('/ecce/tecnico/')
    await first.follow(say('web.bodies'))
    await ana.open('/ecce/area')
    await ana.follow(say('web.teams'))
    leave = await ana.page.evaluate(() => document.querySelector('main a[href*="/pessoas/"]').getAttribute('href'))
    const [, , , number] = leave.split('/')
    await first.fill(say('web.bodies.search'), number)
    await first.press(say('ui.search'))
    await first.sees(applicant.name)
    await first.follow(new RegExp(`^${ana.word(say('web.leaver'))}`))
    await first.sees(say('web.ending.ends'), say('web.ending.powers'))
    await first.open(`/ecce/tecnico/entidades/${number}/cessar`)
    await first.sees(say('web.ending.ends'), applicant.name)
  })

  await step('Ana leaves: she sees what will be revoked, must say that she did, and it is', async () => {
    await ana.open(leave)
    await ana.sees(say('web.ending.ends'), order.outcome.with.product)
    await ana.press(say('web.ending.button'))
    assert.equal(ana.status, 422)
    await ana.tick(say('web.ending.sure'))
    await ana.press(say('web.ending.button'))
    const done = ana.at()
    assert.match(done, /^\/ecce\/cessacoes\//)
    await ana.comes(done, say('web.ending.state.done'))
    await first.open(done.replace('/cessacoes/', '/tecnico/cessacoes/'))
    await first.sees(say('web.ending.cause.left'))
    await first.follow(say('web.bodies'))
    await first.sees(say('web.bodies.latest'))
    await ana.open('/ecce/area')
    await ana.sees(say('web.certificate.state.revoked'), say('web.powers.none'))
    await server.mail({ to: applicant.email, subject: 'Funções terminadas' })
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
