// Waiting for the thing itself.

// until asks again and again, and gives the first answer that is something.
// When none comes in time, the error says what was waited for and the last
// refusal. fatal tells that asking on is of no use.
export async function until(what, ask, { seconds = 15, fatal = () => false } = {}) {
  const end = Date.now() + seconds * 1000
  let last
  for (;;) {
    try {
      const answer = await ask()
      if (answer) return answer
      last = undefined
    } catch (err) {
      last = err
    }
    if (fatal() || Date.now() > end) throw new Error(`waited in vain: ${what}${last ? `: ${last.message}` : ''}`)
    await new Promise(resolve => setTimeout(resolve, 40))
  }
}
