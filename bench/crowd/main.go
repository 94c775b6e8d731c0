// Crowd measures what two hundred sign-ins at once do to the program and to its other visitors: the most memory that it
// ever holds, how long pages take meanwhile, and how many of the crowd come in or are told to come again.
//
//	go run ./bench/crowd [-rounds 5] [-crowd 200]
//
// prints one line of JSON and writes bench/results/crowd.md. It fails on no clock.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"chancela/bench/instance"
)

// The limits.
const (
	limitMB = 512
	limitMS = 1000
)

// tellers is how many accounts the crowd signs in to, so many at each.
const tellers = 40

// readers is how many visitors look at pages meanwhile, and pause how long they read one.
const (
	readers = 20
	pause   = 100 * time.Millisecond
)

type result struct {
	Rounds       int     `json:"rounds"`
	Crowd        int     `json:"crowd"`
	PeakMB       float64 `json:"peak_rss_mb"`
	PeakBefore   float64 `json:"peak_rss_before_mb"`
	PagesAlone   float64 `json:"pages_p99_alone_ms"`
	PagesMedian  float64 `json:"pages_median_ms"`
	PagesP99     float64 `json:"pages_p99_ms"`
	PagesWorst   float64 `json:"pages_worst_ms"`
	Pages        int     `json:"pages"`
	PagesFailed  int     `json:"pages_failed"`
	CameIn       int     `json:"came_in"`
	ComeAgain    int     `json:"told_to_come_again"`
	OtherAnswers int     `json:"other_answers"`
	Rate         float64 `json:"came_in_per_s"`
	Slowest      float64 `json:"slowest_answer_s"`
	HonestAfter  bool    `json:"honest_comes_in_afterwards"`
}

func main() {
	rounds := flag.Int("rounds", 5, "how many times the crowd comes")
	crowd := flag.Int("crowd", 200, "how many sign in at once")
	flag.Parse()
	if err := measure(context.Background(), *rounds, *crowd); err != nil {
		fmt.Fprintln(os.Stderr, "bench/crowd:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, rounds, size int) error {
	load := instance.Load()
	dir, err := os.MkdirTemp("", "chancela-crowd-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	in, err := instance.Start(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { _ = in.Stop() }()
	known, err := in.Admit(ctx, tellers)
	if err != nil {
		return err
	}
	if err := in.Define(ctx, known); err != nil {
		return err
	}
	b := &bench{in: in, known: known, found: result{Rounds: rounds, Crowd: size}}
	if err := b.all(ctx, rounds, size); err != nil {
		return err
	}
	return instance.Record{
		Name: "crowd", Title: "Two hundred sign-ins at once", Command: fmt.Sprintf("go run ./bench/crowd -rounds %d -crowd %d", rounds, size),
		Words: fmt.Sprintf("Each sign-in is a right password (the first of two steps; a hash, then\na mailed code), from a network of its own, to one of %d accounts; it came in if it was led on to the code.\nMeanwhile %d visitors read pages (first page, recovery, verification, an officer's queue), %s apart; the bench runs on the same processors.\n"+
			"Limits: %d MiB, %d ms.", tellers, readers, pause, limitMB, limitMS),
		Figures: b.found, Table: b.table(),
	}.Write(ctx, os.Stdout, load)
}

// bench gathers what is seen.
type bench struct {
	in    *instance.Instance
	known []instance.Account
	found result

	mu     sync.Mutex
	pages  []float64 // milliseconds
	failed int
	errs   []error
}

func (b *bench) all(ctx context.Context, rounds, size int) (err error) {
	if _, err := b.in.Mailed(); err != nil {
		return err
	}
	if b.found.PeakBefore, err = b.in.PeakMB(); err != nil {
		return err
	}
	b.meanwhile(ctx, func() { <-time.After(5 * time.Second) })
	b.found.PagesAlone = at(b.pages, 0.99)
	b.pages, b.found.HonestAfter = nil, true
	var lasted time.Duration
	for range rounds {
		b.meanwhile(ctx, func() { lasted += b.crowd(ctx, size) })
		honest, err := b.in.Visitor().Post(ctx, b.in.At("/entrar"), instance.SignIn(b.known[0].Address, b.known[0].Password))
		if err != nil {
			return err
		}
		b.found.HonestAfter = b.found.HonestAfter && honest.Status == http.StatusSeeOther
	}
	b.found.PagesMedian, b.found.PagesP99, b.found.PagesWorst = at(b.pages, 0.5), at(b.pages, 0.99), at(b.pages, 1)
	b.found.Pages, b.found.PagesFailed, b.found.Rate = len(b.pages), b.failed, float64(b.found.CameIn)/lasted.Seconds()
	b.found.PeakMB, err = b.in.PeakMB()
	return errors.Join(append(b.errs, err)...)
}

// crowd signs in, all at once, and says how long it took until the last had an answer.
func (b *bench) crowd(ctx context.Context, size int) time.Duration {
	gate := make(chan struct{})
	var all sync.WaitGroup
	for i := range size {
		v, one := b.in.Visitor(), b.known[i%len(b.known)]
		all.Go(func() {
			<-gate
			b.count(v.Post(ctx, b.in.At("/entrar"), instance.SignIn(one.Address, one.Password)))
		})
	}
	begin := time.Now()
	close(gate)
	all.Wait()
	return time.Since(begin)
}

func (b *bench) count(got instance.Answer, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.found.Slowest = max(b.found.Slowest, got.Took.Seconds())
	switch {
	case err != nil:
		b.errs = append(b.errs, err)
	case got.Status == http.StatusSeeOther:
		b.found.CameIn++
	case got.Status == http.StatusServiceUnavailable && got.Again != "":
		b.found.ComeAgain++
	default:
		b.found.OtherAnswers++
	}
}

// meanwhile has visitors read pages while something is done.
func (b *bench) meanwhile(ctx context.Context, do func()) {
	over := make(chan struct{})
	paths := []string{b.in.At("/"), b.in.At("/recuperar"), "/verificar", b.in.At("/tecnico/")}
	var all sync.WaitGroup
	for i := range readers {
		path, v := paths[i%len(paths)], b.in.Visitor()
		if path == b.in.At("/tecnico/") {
			v = b.in.Officer()
		}
		all.Go(func() { b.read(ctx, v, path, over) })
	}
	do()
	close(over)
	all.Wait()
}

func (b *bench) read(ctx context.Context, v *instance.Visitor, path string, over <-chan struct{}) {
	for {
		got, err := v.Get(ctx, path)
		b.mu.Lock()
		b.pages = append(b.pages, float64(got.Took.Microseconds())/1000)
		switch {
		case err != nil:
			b.errs = append(b.errs, err)
		case got.Status != http.StatusOK:
			b.failed++
		}
		b.mu.Unlock()
		select {
		case <-over:
			return
		case <-time.After(pause):
		}
	}
}

// at is the value below which a part of all lies.
func at(all []float64, part float64) float64 {
	slices.Sort(all)
	return all[int(part*float64(len(all)-1))]
}

func (b *bench) table() string {
	f := b.found
	return fmt.Sprintf("| measure | figure | limit |\n| --- | --- | --- |\n"+
		"| most memory ever held (VmHWM) | %.0f MiB (%.0f before the crowd) | %d MiB |\n"+
		"| page, p99 while the crowd signs in | %.0f ms (median %.1f, worst %.0f, alone p99 %.0f; %d pages, %d failed) | %d ms |\n"+
		"| of %d sign-ins came in / were told to come again / else | %d / %d / %d | none else |\n"+
		"| came in, a second; slowest answer | %.1f; %.1f s | |\n"+
		"| an honest one comes in afterwards, each time | %t | |\n",
		f.PeakMB, f.PeakBefore, limitMB, f.PagesP99, f.PagesMedian, f.PagesWorst, f.PagesAlone, f.Pages, f.PagesFailed, limitMS,
		f.Rounds*f.Crowd, f.CameIn, f.ComeAgain, f.OtherAnswers, f.Rate, f.Slowest, f.HonestAfter)
}
