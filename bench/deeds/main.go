// Deeds measures how many durable deeds a second there are, each of three statements of which one is an entry of the
// record: ours (db.InTx on SQLite), the same driver with a transaction each, and PostgreSQL with eight connections and
// its fsync on. Each runs in turn, on the same disk, with 1, 8 and 64 writers.
//
//	go run ./bench/deeds [-rounds 5] [-seconds 1]
//
// prints one line of JSON and writes bench/results/deeds.md. It fails on no clock.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"chancela/bench/instance"
)

// server is set where the PostgreSQL of the benchmark runs.
const server = "CHANCELA_TEST_POSTGRES"

type figures struct {
	Rounds     int                `json:"rounds"`
	PerSecond  map[string]float64 `json:"per_second"` // "ours/8"
	OfDriver   map[string]float64 `json:"ours_of_driver"`
	OfPostgres map[string]float64 `json:"ours_of_postgres"`
}

func main() {
	rounds := flag.Int("rounds", 5, "how many times each is measured")
	seconds := flag.Float64("seconds", 1, "how long each is measured")
	flag.Parse()
	if err := run(context.Background(), *rounds, *seconds); err != nil {
		fmt.Fprintln(os.Stderr, "bench/deeds:", err)
		os.Exit(1)
	}
}

// run measures beside a PostgreSQL that waits for the disk; where none is, it starts itself again beside one.
func run(ctx context.Context, rounds int, seconds float64) error {
	if os.Getenv(server) != "" && os.Getenv("CHANCELA_DURABLE") != "" {
		return measure(ctx, rounds, seconds)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "scripts/with-postgres", append([]string{self}, os.Args[1:]...)...)
	cmd.Env = append(os.Environ(), "CHANCELA_DURABLE=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

func measure(ctx context.Context, rounds int, seconds float64) error {
	load := instance.Load()
	dir, err := os.MkdirTemp("", "chancela-deeds-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	tests := filepath.Join(dir, "db.test")
	if out, err := exec.CommandContext(ctx, "go", "test", "-c", "-o", tests, "./internal/db").CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	all, ofDriver, ofPostgres := map[string][]float64{}, map[string][]float64{}, map[string][]float64{}
	for range rounds {
		for _, writers := range []string{"1", "8", "64"} {
			now := map[string]float64{}
			for _, system := range []string{"ours", "driver", "postgres"} {
				name := system + "/" + writers
				if now[system], err = once(ctx, tests, name, seconds); err != nil {
					return err
				}
				all[name] = append(all[name], now[system])
			}
			ofDriver[writers] = append(ofDriver[writers], now["ours"]/now["driver"])
			ofPostgres[writers] = append(ofPostgres[writers], now["ours"]/now["postgres"])
		}
	}
	f := figures{rounds, medians(all), medians(ofDriver), medians(ofPostgres)}
	return instance.Record{
		Name: "deeds", Title: "Durable deeds", Command: fmt.Sprintf("go run ./bench/deeds -rounds %d -seconds %g", rounds, seconds),
		Words: "Deeds a second, medians, and medians of the ratios of each round. A deed is three statements: a row, its change by compare-and-set, an entry of the record; none takes the lock that orders the record, " +
			"which would keep PostgreSQL from committing together. The driver has one connection, a transaction a deed and synchronous=FULL; PostgreSQL has eight connections and fsync=on, on the same disk.",
		Figures: f, Table: table(f),
	}.Write(ctx, os.Stdout, load)
}

func table(f figures) string {
	var b strings.Builder
	b.WriteString("| writers | ours | driver | PostgreSQL | of the driver (must with 8: 2 ×) | of PostgreSQL (goal with 8: 1 ×) |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, w := range []string{"1", "8", "64"} {
		fmt.Fprintf(&b, "| %s | %.0f/s | %.0f/s | %.0f/s | %.1f × | %.1f × |\n", w, f.PerSecond["ours/"+w], f.PerSecond["driver/"+w], f.PerSecond["postgres/"+w], f.OfDriver[w], f.OfPostgres[w])
	}
	return b.String()
}

var perOp = regexp.MustCompile(`\s(\d+(?:\.\d+)?) ns/op`)

// once gives deeds a second.
func once(ctx context.Context, tests, name string, seconds float64) (float64, error) {
	parts := strings.Split(name, "/")
	cmd := exec.CommandContext(ctx, tests, "-test.run", "^$", "-test.bench", "^BenchmarkDeeds$/^"+parts[0]+"$/^"+parts[1]+"$", "-test.benchtime", fmt.Sprintf("%gs", seconds))
	cmd.Dir = "internal/db"
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	found := perOp.FindSubmatch(out)
	if found == nil {
		return 0, errors.New("no figure: " + string(out))
	}
	ns, err := strconv.ParseFloat(string(found[1]), 64)
	return 1e9 / ns, err
}

func medians(all map[string][]float64) map[string]float64 {
	one := map[string]float64{}
	for name, values := range all {
		sorted := slices.Sorted(slices.Values(values))
		one[name] = sorted[len(sorted)/2]
	}
	return one
}
