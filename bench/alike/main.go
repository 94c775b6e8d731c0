// Alike measures whether time tells who has an account: for each way of asking, the medians of the answers for an
// existing account, for none, and for none again, in turn and in an order drawn anew each time. The third is the
// measure's own error.
//
//	go run ./bench/alike [-tries 200]
//
// prints one line of JSON and writes bench/results/alike.md. It fails on no clock.
package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"chancela/bench/instance"
)

// limitMS is how far medians may be apart.
const limitMS = 15

// mailsEach is how many links one account is mailed in an hour: beyond it the answer is the same and nothing is sent.
// So many accounts are made that it is never reached.
const mailsEach = 3

// signedIn is how many of the accounts have come in: that many codes are mailed without meeting a budget. The others
// have been let in and not come yet.
const signedIn = 45

// figure is what was found of one way of asking, in milliseconds.
type figure struct {
	Existing   float64 `json:"existing_median_ms"`
	None       float64 `json:"none_median_ms"`
	NoneAgain  float64 `json:"none_again_median_ms"`
	Difference float64 `json:"difference_ms"` // of existing from both the others together
	Error      float64 `json:"error_ms"`      // between none and none again
	Spread     float64 `json:"quartiles_apart_ms"`
	Status     int     `json:"status"`
	Within     bool    `json:"within_limit"`
}

type result struct {
	Tries int               `json:"tries"`
	Ways  map[string]figure `json:"ways"`
}

func main() {
	tries := flag.Int("tries", 200, "how many times each is asked")
	flag.Parse()
	if err := measure(context.Background(), *tries); err != nil {
		fmt.Fprintln(os.Stderr, "bench/alike:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, tries int) error {
	load := instance.Load()
	dir, err := os.MkdirTemp("", "chancela-alike-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	in, err := instance.Start(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { _ = in.Stop() }()
	b := &bench{in: in, tries: tries, found: result{Tries: tries, Ways: map[string]figure{}}}
	if err := b.all(ctx); err != nil {
		return err
	}
	return instance.Record{
		Name: "alike", Title: "Time does not tell who has an account", Command: fmt.Sprintf("go run ./bench/alike -tries %d", tries),
		Words: fmt.Sprintf("Each try by a new visitor from a network of its own; answers in milliseconds, to the last byte. The difference is between the median for an\n"+
			"existing account and that of all tries for none; limit %d ms. The error is between two halves that differ in nothing (none, and none again). The spread\nis between the quartiles for none. Within the limit is not indistinguishable: a difference well above error and spread can be found by whoever asks often\nenough from near, within the budgets.", limitMS),
		Figures: b.found, Table: b.table(),
	}.Write(ctx, os.Stdout, load)
}

// bench asks.
type bench struct {
	in    *instance.Instance
	tries int
	made  int // addresses made up so far
	found result
	order []string
}

// all asks in every way. Who is let in asks for another invitation before defining a password, since afterwards
// nothing would be mailed.
func (b *bench) all(ctx context.Context) error {
	known, err := b.in.Admit(ctx, (b.tries+mailsEach-1)/mailsEach)
	if err != nil {
		return err
	}
	nobody := func(int) instance.Account {
		b.made++
		return instance.Account{Address: instance.Nobody(b.made), Body: b.in.Body()}
	}
	one := func(i int) instance.Account { return known[i%len(known)] }
	post := func(path string, form func(instance.Account) url.Values) func(context.Context, instance.Account) (instance.Answer, error) {
		return func(ctx context.Context, who instance.Account) (instance.Answer, error) {
			return b.in.Visitor().Post(ctx, b.in.At(path), form(who))
		}
	}
	err = b.ask(ctx, "an invitation anew", 1, one, nobody, post("/convite", func(who instance.Account) url.Values {
		return url.Values{"convite-endereco": {who.Address}}
	}))
	if err != nil {
		return err
	}
	if err := b.in.Define(ctx, known); err != nil {
		return err
	}
	if err := b.in.Activate(ctx, known[:min(signedIn, len(known))]); err != nil {
		return err
	}
	err = b.ask(ctx, "sign-in, password wrong", 0, one, nobody, post("/entrar", func(who instance.Account) url.Values {
		return instance.SignIn(who.Address, "uma frase errada e inventada de medir")
	}))
	if err != nil {
		return err
	}
	err = b.ask(ctx, "recovery", 1, one, nobody, post("/recuperar", func(who instance.Account) url.Values {
		return url.Values{"recuperar-endereco": {who.Address}, "recuperar-nipc": {who.Body}}
	}))
	if err != nil {
		return err
	}
	used := func(i int) instance.Account { return instance.Account{Address: one(i).Address, Body: b.in.Body()} }
	return b.ask(ctx, "access asked for, address used", 3, used, nobody, b.access)
}

// access sends the form of somebody who asks for access; that it is opened first is not counted.
func (b *bench) access(ctx context.Context, who instance.Account) (instance.Answer, error) {
	v := b.in.Visitor()
	action, values, err := v.Fill(ctx, b.in.Access(), b.in.Access(), b.in.Asks(who.Address, who.Body))
	if err != nil {
		return instance.Answer{}, err
	}
	return v.Post(ctx, action, values)
}

// between is a pause, so that what one try left to be done (a mail, for example) is not paid by the next.
const between = 30 * time.Millisecond

// ask asks in one way, for an existing account, none, and none again, in an order drawn anew each time. Of every three
// so many mails must have come, or the existing accounts were not asked about as the program knows them.
func (b *bench) ask(ctx context.Context, way string, mails int, known, nobody func(int) instance.Account, do func(context.Context, instance.Account) (instance.Answer, error)) error {
	before, err := b.in.Mailed()
	if err != nil {
		return err
	}
	arms := []func(int) instance.Account{known, nobody, nobody}
	took := make([][]float64, len(arms))
	status := 0
	for i := range b.tries {
		for _, arm := range rand.Perm(len(arms)) { //nolint:gosec // an order, no secret
			got, err := do(ctx, arms[arm](i))
			if err != nil {
				return fmt.Errorf("%s: %w", way, err)
			}
			if status == 0 {
				status = got.Status
			}
			if got.Status != status || got.Status == http.StatusTooManyRequests || got.Status >= http.StatusInternalServerError {
				return fmt.Errorf("%s: status %d, and %d before", way, got.Status, status)
			}
			took[arm] = append(took[arm], float64(got.Took.Microseconds())/1000)
			<-time.After(between)
		}
	}
	after, err := b.in.Mailed()
	if err != nil {
		return err
	}
	if after-before != mails*b.tries {
		return fmt.Errorf("%s: %d mails came of %d tries, %d each were expected: a budget was met, and something else was measured", way, after-before, b.tries, mails)
	}
	b.order = append(b.order, way)
	b.found.Ways[way] = judge(took, status)
	return nil
}

func judge(took [][]float64, status int) figure {
	none := slices.Concat(took[1], took[2])
	f := figure{Existing: at(took[0], 0.5), None: at(took[1], 0.5), NoneAgain: at(took[2], 0.5), Status: status}
	f.Difference, f.Error, f.Spread = round(f.Existing-at(none, 0.5)), round(f.None-f.NoneAgain), round(at(none, 0.75)-at(none, 0.25))
	f.Within = math.Abs(f.Difference) <= limitMS
	return f
}

// at is the value below which a part of all lies.
func at(all []float64, part float64) float64 {
	slices.Sort(all)
	return all[int(part*float64(len(all)-1))]
}

func round(ms float64) float64 { return math.Round(ms*100) / 100 }

func (b *bench) table() string {
	var t strings.Builder
	t.WriteString("| asked for | status | existing | none | none again | difference | error | spread | ≤ 15 ms |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, way := range b.order {
		f := b.found.Ways[way]
		within := "yes"
		if !f.Within {
			within = "no"
		}
		fmt.Fprintf(&t, "| %s | %d | %.1f | %.1f | %.1f | %+.1f | %+.1f | %.1f | %s |\n", way, f.Status, f.Existing, f.None, f.NoneAgain, f.Difference, f.Error, f.Spread, within)
	}
	return t.String()
}
