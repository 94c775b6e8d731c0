package main

import (
	"context"
	"fmt"
	"os"

	"chancela/bench/instance"
	"chancela/bench/load"
)

// figures are what is recorded.
type figures struct {
	Rounds       int     `json:"rounds"`
	Get          float64 `json:"get_per_s"`
	Post         float64 `json:"post_per_s"`
	GetCPU       float64 `json:"get_server_us"`
	PostCPU      float64 `json:"post_server_us"`
	GetLimit     float64 `json:"limit_get_per_s"`
	PostLimit    float64 `json:"limit_post_per_s"`
	LimitGetCPU  float64 `json:"limit_get_server_us"`
	LimitPostCPU float64 `json:"limit_post_server_us"`
	Openssl      float64 `json:"openssl_post_per_s"`
	OpensslCPU   float64 `json:"openssl_server_us"`
	GetOfLimit   float64 `json:"get_of_limit"`
	PostOfLimit  float64 `json:"post_of_limit"`
	GetOfOther   float64 `json:"get_of_openssl"`
	PostOfOther  float64 `json:"post_of_openssl"`
	Nonce        float64 `json:"nonce_per_s"`
	NonceCPU     float64 `json:"nonce_server_us"`
	Signing      float64 `json:"signing_one_core_per_s"`
	NonceOfOther float64 `json:"nonce_of_openssl"`
	NonceOfLimit float64 `json:"nonce_of_signing"`
	LargeOfSmall float64 `json:"large_of_small"`
	SeenS        float64 `json:"seen_elsewhere_s"`
	SeenMostS    float64 `json:"seen_elsewhere_most_s"`
	StartS       float64 `json:"large_start_s"`
	IdleMB       float64 `json:"large_idle_mb"`
	LoadedMB     float64 `json:"large_loaded_mb"`
	PeakMB       float64 `json:"large_peak_mb"`
	Signed       bool    `json:"large_all_signed"` // all answers were signed ahead before memory was read
}

// matrix keeps what each came to in each round.
type matrix map[string]map[kind][]load.Burst

func newMatrix() matrix { return matrix{} }

func (m matrix) add(name string, how kind, b load.Burst) {
	if m[name] == nil {
		m[name] = map[kind][]load.Burst{}
	}
	m[name][how] = append(m[name][how], b)
	fmt.Fprintf(os.Stderr, "%-24s %-5s %8.0f/s %7.1f µs\n", name, how, b.Rate, b.CPU)
}

func (m matrix) rate(name string, how kind) float64 {
	return m.median(name, how, func(b load.Burst) float64 { return b.Rate })
}
func (m matrix) cpu(name string, how kind) float64 {
	return m.median(name, how, func(b load.Burst) float64 { return b.CPU })
}

func (m matrix) median(name string, how kind, of func(load.Burst) float64) float64 {
	var all []float64
	for _, b := range m[name][how] {
		all = append(all, of(b))
	}
	return median(all)
}

// ratio is the median of the rounds' ratios of rates.
func (m matrix) ratio(name, to string, how kind) float64 {
	var all []float64
	for i, b := range m[name][how] {
		all = append(all, b.Rate/m[to][how][i].Rate)
	}
	return median(all)
}

func (f *figures) compared(us string, m matrix) {
	f.Rounds = len(m[us][get])
	f.Get, f.Post, f.GetCPU, f.PostCPU = m.rate(us, get), m.rate(us, post), m.cpu(us, get), m.cpu(us, post)
	f.GetLimit, f.PostLimit, f.LimitGetCPU, f.LimitPostCPU = m.rate("limit", get), m.rate("limit", post), m.cpu("limit", get), m.cpu("limit", post)
	f.Openssl, f.OpensslCPU = m.rate("openssl", post), m.cpu("openssl", post)
	f.GetOfLimit, f.PostOfLimit = m.ratio(us, "limit", get), m.ratio(us, "limit", post)
	f.GetOfOther, f.PostOfOther = m.ratio(us, "openssl", get), m.ratio(us, "openssl", post)
	f.Nonce, f.NonceCPU, f.Signing = m.rate(us, nonce), m.cpu(us, nonce), m.rate("signing", nonce)
	f.NonceOfOther, f.NonceOfLimit = m.ratio(us, "openssl", nonce), m.ratio(us, "signing", nonce)
}

func (f *figures) grown(few, many string, m matrix) {
	f.LargeOfSmall = min(m.ratio(many, few, get), m.ratio(many, few, post))
}

func (f *figures) record(ctx context.Context, o options, before string) error {
	table := fmt.Sprintf(`| measure | figure | must | goal |
| --- | --- | --- | --- |
| GET at %d, of the limit | %.2f (%.0f of %.0f/s; server %.0f of %.0f µs) | 0.85 | 0.95 |
| POST, of the limit | %.2f (%.0f of %.0f/s; server %.0f of %.0f µs) | 0.85 | 0.95 |
| GET and POST, of openssl's | %.1f ×, %.1f × (%.0f/s, %.0f µs) | 4 × | |
| with nonce, each signed, of openssl's | %.1f × (%.0f/s, server %.0f µs) | 2 × | |
| with nonce, of signing on one core | %.2f (%.0f/s) | | 0.5 |
| rate at %d, of that at %d | %.2f | 0.9 | 0.95 |
| a revocation by another process, seen in an answer | %.2f s, at most %.2f s of %d | 5 s | |
| memory at %d: idle, after the load, at most | %.0f, %.0f, %.0f MiB | 360 | 190 |
`, o.middle, f.GetOfLimit, f.Get, f.GetLimit, f.GetCPU, f.LimitGetCPU, f.PostOfLimit, f.Post, f.PostLimit, f.PostCPU, f.LimitPostCPU,
		f.GetOfOther, f.PostOfOther, f.Openssl, f.OpensslCPU, f.NonceOfOther, f.Nonce, f.NonceCPU, f.NonceOfLimit, f.Signing,
		o.large, o.small, f.LargeOfSmall, f.SeenS, f.SeenMostS, sightings, o.large, f.IdleMB, f.LoadedMB, f.PeakMB)
	return instance.Record{
		Name: "ocsp", Title: "Answers about status", Command: fmt.Sprintf("go run ./bench/ocsp -rounds %d -seconds %.0f -wait %s", o.rounds, o.span.Seconds(), o.wait),
		Words:   words + map[bool]string{true: " All answers at the most size were signed ahead by then.", false: " Signing ahead at the most size was still under way: memory is what it was then, and the rate is beside that work."}[f.Signed],
		Figures: f, Table: table,
	}.Write(ctx, os.Stdout, before)
}

const words = "Medians, and medians of the ratios of each round. The built program (`chancela serve`, whole) on a real data directory; its certificates were put straight into the record, one in twenty revoked. Asked are 20,000 different ones, each once before, by 8 connections that stay open (openssl closes each after its answer), from the same client, on the same cores as the servers. openssl is one process, and signs each answer anew. What the client takes of the cores is in all rates; the server's own time an answer is not."
