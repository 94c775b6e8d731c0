// Ocsp measures answers about status: the built program, with its record of many certificates, against openssl's
// responder with an index of as many, and against the least that does the job (net/http, parse, map, write), each in a
// process of its own, asked in turn over real HTTP by the same client on the same cores.
//
//	go run ./bench/ocsp [-rounds 5] [-seconds 3] [-small 10000] [-middle 100000] [-large 1000000] [-wait 40m]
//
// prints one line of JSON and writes bench/results/ocsp.md. It fails on no clock. It wants openssl.
package main

import (
	"context"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"chancela/bench/child"
	"chancela/bench/instance"
	"chancela/bench/known"
	"chancela/bench/load"
)

type options struct {
	rounds               int
	span                 time.Duration
	small, middle, large int
	wait                 time.Duration
}

// site is one of those that are asked.
type site struct {
	name   string
	issuer *x509.Certificate
	child  *child.Child
	asked  map[kind][][]byte
}

func main() {
	if len(os.Args) == 4 && os.Args[1] == "limit" {
		fmt.Fprintln(os.Stderr, limit(os.Args[2], os.Args[3]))
		return
	}
	var o options
	flag.IntVar(&o.rounds, "rounds", 5, "how many times each is measured")
	seconds := flag.Float64("seconds", 3, "how long each is asked each time")
	flag.IntVar(&o.small, "small", 10_000, "certificates, at the least")
	flag.IntVar(&o.middle, "middle", 100_000, "certificates, where it is compared")
	flag.IntVar(&o.large, "large", 1_000_000, "certificates, at the most")
	flag.DurationVar(&o.wait, "wait", 40*time.Minute, "how long it is waited for what is signed ahead")
	flag.Parse()
	o.span = time.Duration(*seconds * float64(time.Second))
	if err := measure(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, "bench/ocsp:", err)
		os.Exit(1)
	}
}

// leastAnswer is how many bytes an answer that is signed has at least.
const leastAnswer = 300

// different is how many different certificates are asked about.
const different = 20_000

func measure(ctx context.Context, o options) (err error) {
	before := instance.Load()
	dir, err := os.MkdirTemp("", "chancela-ocsp-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	program, err := known.Build(ctx, dir)
	if err != nil {
		return err
	}
	var f figures
	if err := f.compare(ctx, dir, program, o); err != nil {
		return fmt.Errorf("compare: %w", err)
	}
	if err := f.grow(ctx, dir, program, o); err != nil {
		return fmt.Errorf("grow: %w", err)
	}
	return f.record(ctx, o, before)
}

// ours starts the program on so many certificates.
func ours(ctx context.Context, dir, program string, n int) (*site, *known.Filled, error) {
	filled, err := known.Fill(ctx, program, filepath.Join(dir, fmt.Sprint("data", n)), known.Count{All: n, RevokedEach: 20, Some: different})
	if err != nil {
		return nil, nil, err
	}
	running, err := filled.Serve(ctx)
	if err != nil {
		return nil, nil, err
	}
	issuer, err := x509.ParseCertificate(filled.Issuer)
	if err != nil {
		return nil, nil, err
	}
	s := &site{name: fmt.Sprint("chancela of ", n), issuer: issuer, child: running}
	return s, filled, s.prepare("/pki/ocsp", filled.Some)
}

// prepare makes the questions, asks each once, and has some of the answers verified.
func (s *site) prepare(path string, some []known.Certificate) (err error) {
	s.asked = map[kind][][]byte{}
	for _, how := range []kind{get, post, nonce} {
		if s.asked[how], err = questions(s.issuer.Raw, path, some, how); err != nil {
			return err
		}
	}
	if err := load.Each(s.child.Address, s.asked[post]); err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	return right(s.child.Address, s, s.asked[get], some)
}

// compare asks ours, the limit and openssl in turn, at the middle size.
func (f *figures) compare(ctx context.Context, dir, program string, o options) (err error) {
	us, filled, err := ours(ctx, dir, program, o.middle)
	if err != nil {
		return err
	}
	some := filled.Some
	defer func() { err = errors.Join(err, us.child.Stop()) }()
	h, err := newHierarchy(dir)
	if err != nil {
		return err
	}
	least := &site{name: "limit", issuer: h.issuer}
	if least.child, err = startLimit(ctx, dir, h, some); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, least.child.Stop()) }()
	other := &site{name: "openssl", issuer: h.issuer}
	if other.child, err = startOpenssl(ctx, dir, h, some, o.middle); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, other.child.Stop()) }()
	if err := errors.Join(least.prepare("", some), other.prepare("", some)); err != nil {
		return err
	}
	if _, err := us.child.Quiet(o.wait); err != nil { // what is signed ahead is signed by then
		return err
	}
	m := newMatrix()
	for range o.rounds {
		for _, how := range []kind{get, post, nonce} {
			for _, s := range []*site{us, least, other} {
				if s == least && how == nonce {
					continue
				}
				b, err := load.Run(s.child, s.asked[how], leastAnswer, o.span)
				if err != nil {
					return fmt.Errorf("%s %s: %w", s.name, how, err)
				}
				m.add(s.name, how, b)
			}
		}
		n, err := signing(o.span / 3)
		if err != nil {
			return err
		}
		m.add("signing", nonce, load.Burst{Rate: n})
	}
	f.compared(us.name, m)
	return nil
}

// grow asks ours at the least and at the most size, in turn, and looks at what it holds in memory.
func (f *figures) grow(ctx context.Context, dir, program string, o options) (err error) {
	few, filled, err := ours(ctx, dir, program, o.small)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, few.child.Stop()) }()
	many, _, err := ours(ctx, dir, program, o.large)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, many.child.Stop()) }()
	f.StartS = many.child.Took.Seconds()
	if f.IdleMB, err = many.child.ResidentMB(); err != nil {
		return err
	}
	if _, err := few.child.Quiet(o.wait); err != nil {
		return err
	}
	if f.Signed, err = many.child.Quiet(o.wait); err != nil {
		return err
	}
	m := newMatrix()
	for range o.rounds {
		for _, how := range []kind{get, post} {
			for _, s := range []*site{few, many} {
				b, err := load.Run(s.child, s.asked[how], leastAnswer, o.span)
				if err != nil {
					return fmt.Errorf("%s %s: %w", s.name, how, err)
				}
				m.add(s.name, how, b)
			}
		}
	}
	f.grown(few.name, many.name, m)
	if f.SeenS, f.SeenMostS, err = seen(ctx, few, filled); err != nil {
		return err
	}
	if f.LoadedMB, err = many.child.ResidentMB(); err != nil {
		return err
	}
	f.PeakMB, err = many.child.PeakMB()
	return err
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[len(sorted)/2]
}
