// Counts what was tried and prints it as lines that both people and TAP readers
// understand.

export class Tally {
  passed = 0
  failed = 0
  broken = []

  constructor(print = line => console.log(line)) {
    this.print = print
  }

  ok(name) {
    this.passed++
    this.print(`ok ${this.passed + this.failed} - ${name}`)
  }

  fail(name, why) {
    this.failed++
    this.broken.push(name)
    this.print(`not ok ${this.passed + this.failed} - ${name}`)
    for (const line of String(why?.stack ?? why ?? '').split('\n')) this.print(`    # ${line}`)
  }

  // judge counts one thing that has a list of problems, none of which is good.
  judge(name, problems) {
    if (problems.length === 0) this.ok(name)
    else this.fail(name, problems.join('\n'))
  }

  async try(name, deed) {
    try {
      await deed()
      this.ok(name)
      return true
    } catch (err) {
      this.fail(name, err)
      return false
    }
  }
}
