// Issue measures how many certificates a second a program of a body gets through the documented interface, and what one
// costs: POST /api/v1/certificates with a key request of its own each (PKCS#10, P-256), over 8 connections that stay
// open, the token of a mandate that two officers approved by the pages, the chain in PEM back; each certificate linted,
// and with its entries of the record of deeds on the disk before the answer. The program is the built one, with what it
// has by default: one process, SQLite, keys in files.
//
// The reference, in turn with it, is the least that does the job (limit.go). Afterwards what was answered is held
// against the database and shown to openssl.
//
//	go run ./bench/issue [-rounds 5] [-each 1000]
//
// prints one line of JSON and writes bench/results/issue.md. It fails on no clock.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"chancela/bench/instance"
)

// The limits, and what is hoped for.
const (
	mustRatio, goalRatio = 0.42, 0.6
	mustCPU, goalCPU     = 1.4, 1.0 // ms a certificate
)

const connections = 8

// warming is how many certificates each issues before anything is measured.
const warming = 200

type result struct {
	Rounds     int     `json:"rounds"`
	Each       int     `json:"certificates_a_round"`
	Rate       float64 `json:"certificates_per_s"`
	LimitRate  float64 `json:"limit_per_s"`
	Ratio      float64 `json:"ratio"`
	CPU        float64 `json:"cpu_ms"`
	LimitCPU   float64 `json:"limit_cpu_ms"`
	CPURatio   float64 `json:"cpu_ratio"`
	P50        float64 `json:"p50_ms"`
	P99        float64 `json:"p99_ms"`
	LimitP50   float64 `json:"limit_p50_ms"`
	LimitP99   float64 `json:"limit_p99_ms"`
	Answered   int     `json:"answered"`
	Recorded   int     `json:"recorded"`
	OpenSSL    int     `json:"openssl_verified"`
	Mismatches int     `json:"mismatches"`
}

func main() {
	if len(os.Args) == 4 && os.Args[1] == "limit" {
		fmt.Fprintln(os.Stderr, serveLimit(os.Args[2], os.Args[3]))
		os.Exit(1)
	}
	rounds := flag.Int("rounds", 5, "how many times each is measured")
	each := flag.Int("each", 1000, "certificates a round; a mandate is for 1000")
	flag.Parse()
	if err := measure(context.Background(), *rounds, *each); err != nil {
		fmt.Fprintln(os.Stderr, "bench/issue:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, rounds, each int) (err error) {
	load := instance.Load()
	dir, err := os.MkdirTemp("", "chancela-issue-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	server, tokens, err := start(ctx, dir, rounds+1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	limit, err := startLimit(ctx, filepath.Join(dir, "limit"))
	if err != nil {
		return err
	}
	defer func() { _ = limit.stop() }()
	got, err := takeTurns(server.target, limit.target, tokens, rounds, each)
	if err != nil {
		return err
	}
	r := got.result(rounds, each)
	if err := r.check(ctx, server.data, dir, got.answers); err != nil {
		return err
	}
	return r.record(ctx, load)
}

// turns are what came of all rounds.
type turns struct {
	ours, limit []run
	answers     [][]byte // the chains, PEM
}

// takeTurns measures one and the other, so that both have the same machine. The first turn warms and does not count.
func takeTurns(ours, limit target, tokens []string, rounds, each int) (turns, error) {
	var all turns
	for i := range rounds + 1 {
		n := each
		if i == 0 {
			n = warming
		}
		requests, err := makeRequests(n)
		if err != nil {
			return all, err
		}
		for _, one := range []struct {
			to   target
			runs *[]run
		}{{limit, &all.limit}, {ours.with(tokens[i]), &all.ours}} {
			got, err := one.to.drive(requests)
			if err != nil {
				return all, err
			}
			if one.to.token != "" {
				all.answers = append(all.answers, got.answers...)
			}
			if i > 0 {
				*one.runs = append(*one.runs, got)
			}
		}
	}
	return all, nil
}

// result takes the medians, of the ratios round by round.
func (t turns) result(rounds, each int) result {
	of := func(runs []run, figure func(run) float64) []float64 {
		var all []float64
		for _, one := range runs {
			all = append(all, figure(one))
		}
		return all
	}
	ratios := func(figure func(run) float64) float64 {
		a, b := of(t.ours, figure), of(t.limit, figure)
		for i := range a {
			a[i] /= b[i]
		}
		return median(a)
	}
	rate := func(r run) float64 { return float64(len(r.took)) / r.seconds }
	cpu := func(r run) float64 { return r.cpu * 1000 / float64(len(r.took)) }
	at := func(q float64) func(run) float64 { return func(r run) float64 { return quantile(r.took, q) * 1000 } }
	return result{
		Rounds: rounds, Each: each, Rate: median(of(t.ours, rate)), LimitRate: median(of(t.limit, rate)), Ratio: ratios(rate),
		CPU: median(of(t.ours, cpu)), LimitCPU: median(of(t.limit, cpu)), CPURatio: ratios(cpu),
		P50: median(of(t.ours, at(0.5))), P99: median(of(t.ours, at(0.99))),
		LimitP50: median(of(t.limit, at(0.5))), LimitP99: median(of(t.limit, at(0.99))), Answered: len(t.answers),
	}
}

func median(all []float64) float64 { return quantile(all, 0.5) }

func quantile(all []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func (r result) record(ctx context.Context, load string) error {
	table := fmt.Sprintf(`| measure | figure | must | goal |
| --- | --- | --- | --- |
| certificates a second, of the limit program's | %.2f (%.0f/s of %.0f/s) | %.2f | %.1f |
| processor time a certificate | %.2f ms | %.1f ms | %.1f ms |
| the same, of the limit program's | %.1f (of %.2f ms) | | |
| latency p50, p99 (limit program's) | %.1f, %.1f ms (%.1f, %.1f) | | |
| answered; found in the database as answered, with both entries; shown to openssl | %d; %d; %d | all | |
`, r.Ratio, r.Rate, r.LimitRate, mustRatio, goalRatio, r.CPU, mustCPU, goalCPU, r.CPURatio, r.LimitCPU, r.P50, r.P99, r.LimitP50, r.LimitP99,
		r.Answered, r.Recorded, r.OpenSSL)
	return instance.Record{
		Name: "issue", Title: "Issuance through the interface",
		Command: fmt.Sprintf("go run ./bench/issue -rounds %d -each %d", r.Rounds, r.Each),
		Words: fmt.Sprintf(`%d connections; medians of the rounds, ratios round by round. The limit program reads the request, verifies it, makes
and signs a certificate, appends it to a file, and makes those that wait durable by one fdatasync; it lints nothing, records nothing else and asks
nobody who may. Both are processes of their own, on the same processors as the bench; processor time is /proc/PID/stat's, whatever else the process
did meanwhile included.`, connections),
		Figures: r, Table: table,
	}.Write(ctx, os.Stdout, load)
}
