// List measures what one more revocation costs on a list of a million entries: ours (the entry linted and joined, the
// list linted, hashed, signed, verified, read back), the standard library's, and the least that does it (join, hash, sign).
// Each runs in a process of its own, in turn; memory is the most that the process ever held.
//
//	go run ./bench/list [-rounds 5]
//
// prints one line of JSON and writes bench/results/list.md. It fails on no clock.
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
	"syscall"

	"chancela/bench/instance"
)

type figures struct {
	Rounds    int     `json:"rounds"`
	Ours      float64 `json:"ours_s"`
	Library   float64 `json:"library_s"`
	Limit     float64 `json:"limit_s"`
	OursMB    float64 `json:"ours_peak_mb"`
	LibraryMB float64 `json:"library_peak_mb"`
	Faster    float64 `json:"library_of_ours"`
	OfLimit   float64 `json:"ours_of_limit"`
	Memory    float64 `json:"memory_of_library"`
}

func main() {
	rounds := flag.Int("rounds", 5, "how many times each is measured")
	flag.Parse()
	if err := measure(context.Background(), *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "bench/list:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, rounds int) error {
	load := instance.Load()
	dir, err := os.MkdirTemp("", "chancela-list-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	tests := filepath.Join(dir, "issuance.test")
	if out, err := exec.CommandContext(ctx, "go", "test", "-c", "-o", tests, "./internal/issuance").CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	times, peaks := map[string][]float64{}, map[string][]float64{}
	var faster, ofLimit, memory []float64
	for i := range rounds {
		for _, name := range []string{"Ours", "Library", "Limit"} {
			s, mb, err := run(ctx, tests, name)
			if err != nil {
				return err
			}
			times[name], peaks[name] = append(times[name], s), append(peaks[name], mb)
		}
		faster, ofLimit = append(faster, times["Library"][i]/times["Ours"][i]), append(ofLimit, times["Ours"][i]/times["Limit"][i])
		memory = append(memory, peaks["Ours"][i]/peaks["Library"][i])
	}
	f := figures{
		rounds, median(times["Ours"]), median(times["Library"]), median(times["Limit"]), median(peaks["Ours"]), median(peaks["Library"]),
		median(faster), median(ofLimit), median(memory),
	}
	return instance.Record{
		Name: "list", Title: "A list of a million entries, and one more", Command: fmt.Sprintf("go run ./bench/list -rounds %d", rounds),
		Words:   "Medians, and medians of the ratios of each round. The list is made and not stored; memory is the most that each process ever held, what it was filled with included.",
		Figures: f, Table: fmt.Sprintf("| measure | figure | must | goal |\n| --- | --- | --- | --- |\n| time, the library's of ours | %.1f × (%.3f s, %.3f s) | 10 × | |\n| time, ours of the limit | %.1f × (limit %.3f s) | | 3 × |\n| memory, ours of the library's | %.2f (%.0f MB, %.0f MB) | 0.25 | |\n",
			f.Faster, f.Library, f.Ours, f.OfLimit, f.Limit, f.Memory, f.OursMB, f.LibraryMB),
	}.Write(ctx, os.Stdout, load)
}

var perOp = regexp.MustCompile(`\s(\d+) ns/op`)

func run(ctx context.Context, tests, name string) (seconds, mb float64, err error) {
	cmd := exec.CommandContext(ctx, tests, "-test.run", "^$", "-test.bench", "^BenchmarkMillion"+name+"$", "-test.benchtime", "3x")
	cmd.Dir = "internal/issuance"
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, 0, fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	found := perOp.FindSubmatch(out)
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if found == nil || !ok {
		return 0, 0, errors.New("no figure: " + string(out))
	}
	ns, err := strconv.ParseFloat(string(found[1]), 64)
	return ns / 1e9, float64(usage.Maxrss) / 1024, err
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
