// Token measures how many signatures a second a PKCS#11 token gives (SoftHSM): by our way to it, with its pool of
// sessions, eight callers at once, and signatures in DER; and by its library alone, with a session for each core.
// The two run in turn, and change places each round. It needs a C compiler and SoftHSM.
//
//	go run ./bench/token [-rounds 11] [-seconds 0.5]
//
// prints one line of JSON and writes bench/results/token.md. It fails on no clock.
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

// one is what came of one kind of key.
type one struct {
	Ours       float64 `json:"ours_per_s"`
	Library    float64 `json:"library_per_s"`
	OfLibrary  float64 `json:"ours_of_library"`
	OursCPU    float64 `json:"ours_cpu_us"`
	LibraryCPU float64 `json:"library_cpu_us"`
	CPU        float64 `json:"library_cpu_of_ours"`
}

type figures struct {
	Rounds int `json:"rounds"`
	EC     one `json:"ec_p256"`
	RSA    one `json:"rsa_3072"`
}

func main() {
	rounds := flag.Int("rounds", 11, "how many times each is measured")
	seconds := flag.Float64("seconds", 0.5, "how long each is measured")
	flag.Parse()
	if err := measure(context.Background(), *rounds, *seconds); err != nil {
		fmt.Fprintln(os.Stderr, "bench/token:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, rounds int, seconds float64) error {
	load := instance.Load()
	dir, err := os.MkdirTemp("", "chancela-token-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	tests := filepath.Join(dir, "hsm.test")
	build := exec.CommandContext(ctx, "go", "test", "-tags", "pkcs11", "-c", "-o", tests, "./internal/issuance/hsm")
	build.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	f := figures{Rounds: rounds}
	if f.EC, err = compare(ctx, tests, "ec-p256", rounds, seconds); err != nil {
		return err
	}
	if f.RSA, err = compare(ctx, tests, "rsa-3072", rounds, seconds); err != nil {
		return err
	}
	row := func(name string, o one) string {
		return fmt.Sprintf("| %s | %.0f/s | %.0f/s | %.2f | %.0f µs, %.0f µs: %.2f |\n", name, o.Ours, o.Library, o.OfLibrary, o.OursCPU, o.LibraryCPU, o.CPU)
	}
	return instance.Record{
		Name: "token", Title: "Signatures of a PKCS#11 token", Command: fmt.Sprintf("go run ./bench/token -rounds %d -seconds %g", rounds, seconds),
		Words: "SoftHSM, medians, and medians of the ratios of each round; must 0.8, goal 0.95. The last column is the processors' time a signature, ours and the library's, and the library's of ours: " +
			"on a machine that others use it moves less than signatures a second.",
		Figures: f, Table: "| key | ours | the library alone | ours of the library's | processor |\n| --- | --- | --- | --- | --- |\n" + row("EC P-256", f.EC) + row("RSA 3072", f.RSA),
	}.Write(ctx, os.Stdout, load)
}

func compare(ctx context.Context, tests, algorithm string, rounds int, seconds float64) (one, error) {
	rate, cpu := map[string][]float64{}, map[string][]float64{}
	var ratio, cpuRatio []float64
	for n := range rounds {
		order := []string{"ours", "library"}
		if n%2 == 1 {
			slices.Reverse(order)
		}
		for _, who := range order {
			r, c, err := run(ctx, tests, who, algorithm, seconds)
			if err != nil {
				return one{}, err
			}
			rate[who], cpu[who] = append(rate[who], r), append(cpu[who], c)
		}
		ratio = append(ratio, rate["ours"][n]/rate["library"][n])
		cpuRatio = append(cpuRatio, cpu["library"][n]/cpu["ours"][n])
	}
	return one{median(rate["ours"]), median(rate["library"]), median(ratio), median(cpu["ours"]), median(cpu["library"]), median(cpuRatio)}, nil
}

var figure = regexp.MustCompile(`\s([0-9.]+) ns/op\s+([0-9.]+) cpu-ns/op`)

// run gives signatures a second, and microseconds of the processors a signature.
func run(ctx context.Context, tests, who, algorithm string, seconds float64) (rate, cpu float64, err error) {
	cmd := exec.CommandContext(ctx, tests, "-test.run", "^$", "-test.bench", strings.Join([]string{"^BenchmarkSign$", "^" + who + "$", "^" + algorithm + "$"}, "/"), "-test.benchtime", fmt.Sprintf("%gs", seconds))
	cmd.Dir = "internal/issuance/hsm"
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, 0, fmt.Errorf("%s/%s: %w\n%s", who, algorithm, err, out)
	}
	found := figure.FindSubmatch(out)
	if found == nil {
		return 0, 0, errors.New("no figure: " + string(out))
	}
	ns, err := strconv.ParseFloat(string(found[1]), 64)
	worked, err2 := strconv.ParseFloat(string(found[2]), 64)
	return 1e9 / ns, worked / 1e3, errors.Join(err, err2)
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
