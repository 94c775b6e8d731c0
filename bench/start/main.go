// Start measures what whoever starts the built program waits for: on an empty data directory until it is ready; from a
// second start on the same data; and on a record of a million certificates, until it is ready and until it answers about
// one of them from memory. Beside that what it holds in memory when idle, and how long the tour takes. The reference, in
// the same rounds, is a program of ours that only opens a port (net/http and nothing else).
//
//	go run ./bench/start [-rounds 5] [-large 1000000]
//
// prints one line of JSON and writes bench/results/start.md. It fails on no clock.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"chancela/bench/child"
	"chancela/bench/instance"
	"chancela/bench/known"
)

type figures struct {
	Rounds          int     `json:"rounds"`
	EmptyStart      float64 `json:"empty_start_s"`
	SecondStart     float64 `json:"second_start_s"`
	LargeStart      float64 `json:"large_start_s"`
	LargeInMemory   float64 `json:"large_in_memory_s"`
	ReferenceStart  float64 `json:"reference_start_s"`
	IdleMB          float64 `json:"idle_rss_mb"`
	LargeIdleMB     float64 `json:"large_idle_rss_mb"`
	ReferenceIdleMB float64 `json:"reference_rss_mb"`
	Tour            float64 `json:"tour_s"`
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "reference" {
		err := http.ListenAndServe(os.Args[2], http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})) //nolint:gosec // the reference is what is least
		fmt.Fprintln(os.Stderr, err)
		return
	}
	rounds := flag.Int("rounds", 5, "how many times each is started")
	large := flag.Int("large", 1_000_000, "certificates, at the most")
	flag.Parse()
	if err := measure(context.Background(), *rounds, *large); err != nil {
		fmt.Fprintln(os.Stderr, "bench/start:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, rounds, large int) (err error) {
	before := instance.Load()
	dir, err := os.MkdirTemp("", "chancela-start-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	program, err := known.Build(ctx, dir)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	full, err := known.Fill(ctx, program, filepath.Join(dir, "full"), known.Count{All: large, RevokedEach: 20})
	if err != nil {
		return err
	}
	var empty, second, many, reference, tour []start
	for i := range rounds {
		fresh := &known.Filled{Program: program, Data: filepath.Join(dir, "data"+strconv.Itoa(i))}
		for _, one := range []struct {
			of  *[]start
			run func(metrics string) (*child.Child, error)
			n   int // certificates that must be in memory
		}{
			{&empty, func(string) (*child.Child, error) { return fresh.Serve(ctx) }, 0},
			{&second, func(string) (*child.Child, error) { return fresh.Serve(ctx) }, 0},
			{&many, func(metrics string) (*child.Child, error) {
				return full.Serve(ctx, "CHANCELA_SERVER_OPERATIONS_LISTEN="+metrics)
			}, large},
			{&reference, func(string) (*child.Child, error) {
				return child.Start(ctx, time.Minute, func(address string) *exec.Cmd { return exec.CommandContext(ctx, self, "reference", address) }, known.Ready)
			}, 0},
		} {
			if err := watch(ctx, one.of, one.n, one.run); err != nil {
				return err
			}
		}
		begin := time.Now()
		if out, err := exec.CommandContext(ctx, program, "tour").CombinedOutput(); err != nil {
			return fmt.Errorf("tour: %w\n%s", err, out)
		}
		tour = append(tour, start{took: time.Since(begin).Seconds()})
	}
	f := figures{
		Rounds: rounds, EmptyStart: median(empty, took), SecondStart: median(second, took), LargeStart: median(many, took), LargeInMemory: median(many, inMemory),
		ReferenceStart: median(reference, took), IdleMB: median(second, idle), LargeIdleMB: median(many, idle), ReferenceIdleMB: median(reference, idle), Tour: median(tour, took),
	}
	return f.record(ctx, large, before)
}

// start is what one start came to.
type start struct{ took, inMemory, idle float64 }

func took(s start) float64     { return s.took }
func inMemory(s start) float64 { return s.inMemory }
func idle(s start) float64     { return s.idle }

// watch starts a program, waits until it has read its record, reads what it holds when it has come to rest, and stops it.
func watch(ctx context.Context, into *[]start, n int, run func(metrics string) (*child.Child, error)) (err error) {
	metrics, err := child.FreeAddress()
	if err != nil {
		return err
	}
	begin := time.Now()
	c, err := run(metrics)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	one := start{took: c.Took.Seconds()}
	for n > 0 && registered(ctx, metrics) < n {
		if time.Since(begin) > time.Minute {
			return errors.New("the record was not read within a minute: " + c.Said())
		}
		<-time.After(10 * time.Millisecond)
	}
	one.inMemory = time.Since(begin).Seconds()
	<-time.After(3 * time.Second) // what starting took is given back by then
	one.idle, err = c.ResidentMB()
	*into = append(*into, one)
	return err
}

var certificates = regexp.MustCompile(`(?m)^chancela_register_certificates (\d+)$`)

// registered is how many certificates a program answers for from memory, as its metrics say.
func registered(ctx context.Context, address string) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		return 0
	}
	answer, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0
	}
	defer func() { _ = answer.Body.Close() }()
	text, _ := io.ReadAll(answer.Body)
	found := certificates.FindSubmatch(text)
	if found == nil {
		return 0
	}
	n, _ := strconv.Atoi(string(found[1]))
	return n
}

func median(all []start, of func(start) float64) float64 {
	var sorted []float64
	for _, one := range all {
		sorted = append(sorted, of(one))
	}
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}

func (f figures) record(ctx context.Context, large int, before string) error {
	return instance.Record{
		Name: "start", Title: "Start, idle memory, tour", Command: fmt.Sprintf("go run ./bench/start -rounds %d -large %d", f.Rounds, large),
		Words: fmt.Sprintf("Medians. Ready is what /readyz says; before the register is in memory, answers come from the record. The reference opens a port with net/http and nothing else (%.3f s, %.0f MiB). Idle is read three seconds behind the start; the tour took %.1f s.", f.ReferenceStart, f.ReferenceIdleMB, f.Tour),
		Table: fmt.Sprintf("| measure | figure | must | goal |\n| --- | --- | --- | --- |\n| start, empty | %.2f s | 1 s | 0.3 s |\n| start, again | %.2f s | | |\n| start with %d certificates: ready | %.2f s | 5 s | 2 s |\n| the same: read into memory | %.2f s | 5 s | 2 s |\n| resident idle | %.0f MiB | 120 | 60 |\n| resident idle with %d | %.0f MiB | | |\n",
			f.EmptyStart, f.SecondStart, large, f.LargeStart, f.LargeInMemory, f.IdleMB, large, f.LargeIdleMB),
		Figures: f,
	}.Write(ctx, os.Stdout, before)
}
