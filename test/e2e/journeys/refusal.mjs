// What goes wrong, and what people do about it: a refusal with its hearing, a
// draft cancelled, a request withdrawn, links used twice, a password forgotten,
// pages that are not there or not for everybody.

import assert from 'node:assert/strict'
import { choosePassword, codeIn, define, enter, goOn, linkIn, officer, problems, prove, signIn } from '../lib/acts.mjs'
import { portal, say } from '../lib/words.mjs'

const cases = portal('cases')
const access = cases.procedures.acesso
const GRAVAR = { pt: 'GRAVAR', en: 'SAVE' }
const facts = 'A ata junta não mostra que a pessoa indicada represente a cooperativa.'

// asks files a request for access of another person and body, and proves the address.
async function asks(who, server, { nome, nipc, denominacao, email, telefone = '213 456 789' }) {
  await who.open('/cases/novo/acesso')
  await goOn(who, access.steps[0], { ...cases.answers('acesso'), nome: [nome], nipc: [nipc], denominacao: [denominacao], email: [email], telefone: [telefone] }, {}, GRAVAR)
  assert.match(who.at(), /\/recibo$/, await problems(who))
  const number = /cases\/\d{4}\/\d+/i.exec(await who.text())[0]
  await prove(who, server, email)
  return number
}

export default async function ({ person, step, server, mode }) {
  const rui = await person('rui')
  const decider = await person('decider')
  const eva = { nome: 'Eva Ensaio Ferreira', nipc: '590000020', denominacao: 'União de Cooperativas Exemplo, UCRL', email: 'eva.ensaio@uniao.exemplo.pt' }
  const password = 'uma frase longa, só da Eva, de 2026'
  let number, administrator

  await step('a request is withdrawn, after a page that asks whether one is sure', async () => {
    number = await asks(rui, server, { nome: "Rui Ensaio d'Ávila", nipc: '590000039', denominacao: 'Régie Cooperativa Exemplo, CIPRL', email: 'rui.ensaio@regie.exemplo.pt' })
    await rui.follow(say('web.withdraw'))
    await rui.sees(number)
    await rui.press(say('web.withdraw'))
    await rui.sees(say('web.next.withdrawn'))
  })

  await step('the officer intends a refusal, with reasons and facts', async () => {
    number = await asks(rui, server, eva)
    administrator = await officer(decider, server, cases, 0, 'frase longa de quem decide, de 2026')
    await decider.follow(number)
    await decider.unfold(say('web.move.assumir'))
    await decider.press(say('web.move.assumir.button'))
    await decider.unfold(say('web.move.audiencia'))
    await decider.press(say('web.move.audiencia.button'))
    assert.equal(decider.status, 422)
    await decider.tick(/^RA1/, say('web.reasons'))
    await decider.fill(say('web.facts'), 'curto')
    await decider.press(say('web.move.audiencia.button'))
    assert.equal(decider.status, 422)
    assert.equal(await decider.value(say('web.facts')), 'curto')
    await decider.fill(say('web.facts'), facts)
    await decider.press(say('web.move.audiencia.button'))
    await decider.sees(say('web.moved.audiencia'), cases.statuses?.['refusal-intended'] ?? say('case.state.refusal-intended'))
    assert.ok(!await decider.has('field', say('web.weighing')), 'it could be refused before the applicant is heard')
  })

  await step('the applicant is heard, and answers', async () => {
    await rui.open(await linkIn(server, eva.email, 'acompanhar'))
    await rui.press(say('web.follow.button'))
    await rui.sees(say('web.hearing'), facts)
    await rui.press(say('web.hearing.button'))
    assert.equal(rui.status, 422)
    await rui.fill(say('web.hearing.words'), 'Junto-me ao processo como presidente eleita em assembleia; a ata seguirá.')
    await rui.press(say('web.hearing.button'))
    await rui.sees(say('web.next.heard'))
  })

  await step('the officer weighs the statement, and refuses with reasons and remedies', async () => {
    await decider.open('/cases/tecnico/')
    await decider.follow(number)
    await decider.sees('presidente eleita em assembleia')
    await decider.unfold(say('web.move.indeferir'))
    await decider.tick(/^RA1/, say('web.reasons'))
    await decider.fill(say('web.facts'), facts)
    await decider.press(say('web.move.indeferir.button'))
    assert.equal(decider.status, 422)
    await decider.fill(say('web.weighing'), 'A ata anunciada não chegou a ser junta dentro do prazo da audiência.')
    await decider.press(say('web.move.indeferir.button'))
    await decider.sees(say('web.moved.indeferir'))
    const mail = await server.mail({ to: eva.email, text: /15 dias úteis|15 working days/ })
    assert.match(mail.text, /RA1|assembleia|cooperativa/)
    await rui.open('/cases/acompanhar')
  })

  await step('a new request of the same person is approved, and the password is defined', async () => {
    number = await asks(rui, server, eva)
    await decider.open('/cases/tecnico/')
    await decider.follow(number)
    await decider.unfold(say('web.move.assumir'))
    await decider.press(say('web.move.assumir.button'))
    await decider.unfold(say('web.move.devolver'))
    await decider.press(say('web.move.devolver.button'))
    await decider.sees(say('web.moved.devolver'))
    await decider.unfold(say('web.move.assumir'))
    await decider.press(say('web.move.assumir.button'))
    await decider.unfold(say('web.move.deferir'))
    await decider.press(say('web.move.deferir.button'))
    await decider.sees(say('web.moved.deferir'))
    await linkIn(server, eva.email, 'definir')
  })

  await step('the invitation is asked for anew: the same is said whatever is typed', async () => {
    for (const email of ['ninguem@exemplo.test', eva.email]) {
      await rui.open('/cases/convite')
      await rui.fill(say('web.address'), email)
      await rui.press(say('login.recovery.send'))
      await rui.sees(say('login.recovery.sent'))
    }
    await define(rui, await linkIn(server, eva.email, 'definir'), password)
  })

  await step('whoever has no mouse comes in: the focus is always seen', async () => {
    const keys = await person('keyboard')
    await keys.open('/cases/')
    await keys.tabTo('field', cases['sign-in'].user)
    await keys.type(eva.email)
    await keys.tabTo('field', cases['sign-in'].password)
    await keys.type(password)
    await keys.submits('Enter')
    await keys.tabTo('field', say('web.code'))
    await keys.type(await codeIn(server, eva.email))
    await keys.submits('Enter')
    assert.equal(keys.at(), '/cases/area')
    await keys.press(say('login.leave'))
    await keys.sees(say('web.done.saiu'))
    await keys.open('/cases/area')
    await keys.misses(eva.nome)
  })

  await step('a forgotten password: the same is said whatever is typed, and the link works once', async () => {
    for (const [email, nipc] of [['ninguem@exemplo.test', '501964843'], [eva.email, '590000012'], [eva.email, eva.nipc]]) {
      await rui.open('/cases/')
      await rui.press({ pt: 'RECUPERAR PALAVRA-CHAVE', en: 'RECOVER PASSWORD' })
      await rui.sees({ pt: 'Recuperar palavra-passe', en: 'Recover password' })
      await rui.fill(say('web.address'), email)
      await rui.fill('NIPC', nipc)
      await rui.press(say('login.recovery.send'))
      await rui.sees(say('login.recovery.sent'))
    }
    const link = await linkIn(server, eva.email, 'recuperar')
    await define(rui, link, `${password}, mudada`)
    await rui.sees(say('web.done.definida'))
    await rui.open(link)
    assert.equal(rui.status, 410)
    await enter(rui, cases, eva.email, password)
    await rui.sees(say('login.wrong'))
    await signIn(rui, server, cases, eva.email, `${password}, mudada`)
  })

  await step('the account: sessions are listed and ended, and the password is changed', async () => {
    await rui.follow(say('web.account'))
    await rui.sees(say('web.sessions'), say('web.session.this'), eva.email)
    await rui.unfold(say('web.password.change'))
    await rui.fill(say('web.password.present'), 'não é esta')
    await choosePassword(rui, password)
    await rui.press(say('web.password.change'))
    assert.equal(rui.status, 422)
    await rui.unfold(say('web.password.change'))
    await rui.fill(say('web.password.present'), `${password}, mudada`)
    await choosePassword(rui, `${password}, outra vez`)
    await rui.press(say('web.password.change'))
    await rui.sees(say('web.account.done.palavra-passe'))
  })

  await step('a draft is cancelled: it is gone at once', async () => {
    await rui.open('/cases/novo/credencial')
    await rui.press(say('web.start'))
    const draft = rui.at()
    await rui.follow(cases.procedures.credencial.cancel.label)
    await rui.sees(say('web.cancel.sure'))
    await rui.press(say('web.cancel.yes'))
    await rui.open(draft)
    assert.equal(rui.status, 404)
  })

  await step('what is the officers\' is nobody else\'s', async () => {
    for (const path of ['', 'equipa', 'auditoria']) {
      await rui.open(`/cases/tecnico/${path}`)
      assert.ok([403, 404].includes(rui.status), `${path}: ${rui.status}`)
      assert.notEqual(await rui.heading(), '')
    }
    const stranger = await person('stranger')
    await stranger.open('/cases/tecnico/')
    await stranger.sees(cases['sign-in'].enter)
    await stranger.open('/cases/area')
    await stranger.sees(cases['sign-in'].enter)
  })

  await step('an administrator invites an officer; the team and the trail are seen', async () => {
    await decider.follow(say('web.team'))
    await decider.press(say('web.team.invite'))
    assert.equal(decider.status, 422)
    await decider.fill(say('web.team.name'), 'Olga Ensaio')
    await decider.fill(say('web.team.address'), 'olga@portal.exemplo.pt')
    await decider.tick(/^Decisor|^Decider/, say('web.team.roles'))
    await decider.press(say('web.team.invite'))
    await decider.sees(say('web.team.invited'), 'Olga Ensaio')
    const olga = await person('olga')
    const link = await linkIn(server, 'olga@portal.exemplo.pt', 'tecnico/convite')
    await define(olga, link, 'frase longa da Olga, de 2026')
    await olga.open(link)
    assert.equal(olga.status, 410)
    await decider.follow(say('web.audit'))
    assert.equal(decider.status, 200)
    await decider.press(say('ui.search'))
    await decider.misses(eva.nome, eva.email)
    await decider.open('/cases/conta')
    await decider.sees(administrator)
  })

  await step('what is not there, not for this, or too large has a page that says so', async () => {
    for (const path of ['/nada', '/cases/nada', '/cases/novo/nada', '/cases/processos/nada', '/cases/minutas/nada', '/avaliacao/nada', '/cases/confirmar/nada', '/cases/definir/nada', '/cases/recuperar/nada', '/cases/retomar/nada', '/cases/acompanhar/nada', '/cases/tecnico/convite/nada', '/cases/credenciais/nada', '/cases/tecnico/processos/nada', '/cases/entrar', '/cases/sair']) {
      await rui.open(path)
      assert.ok([404, 405, 410, 403].includes(rui.status), `${path}: ${rui.status}`)
      assert.notEqual(await rui.heading(), '', path)
    }
    await rui.open('/cases/recuperar')
    await rui.page.evaluate(() => { document.querySelector('main form input').value = 'x'.repeat(3 << 20) })
    await rui.press(say('login.recovery.send'))
    assert.equal(rui.status, 413)
    assert.notEqual(await rui.heading(), '')
  })
}
