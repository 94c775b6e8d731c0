// Start measures what a newcomer waits for: from starting the built program on an empty data directory until it is
// ready, and from a second start on the same data; what it holds in memory when idle; and how long the tour takes.
// The reference, in the same rounds, is a program of ours that only opens a port (net/http and nothing else).
//
//	go run ./bench/start [-rounds 5]
//
// prints one line of JSON. It fails on no clock.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type result struct {
	Rounds          int     `json:"rounds"`
	EmptyStart      float64 `json:"empty_start_s"`
	SecondStart     float64 `json:"second_start_s"`
	ReferenceStart  float64 `json:"reference_start_s"`
	IdleMB          float64 `json:"idle_rss_mb"`
	ReferenceIdleMB float64 `json:"reference_rss_mb"`
	Tour            float64 `json:"tour_s"`
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "reference" {
		err := http.ListenAndServe(os.Args[2], http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})) //nolint:gosec // the reference is what is least
		fmt.Fprintln(os.Stderr, err)
		return
	}
	rounds := flag.Int("rounds", 5, "how many times each is started")
	flag.Parse()
	r, err := measure(context.Background(), *rounds)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/start:", err)
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stdout).Encode(r)
}

func measure(ctx context.Context, rounds int) (result, error) {
	dir, err := os.MkdirTemp("", "chancela-start-")
	if err != nil {
		return result{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program := filepath.Join(dir, "chancela")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/chancela").CombinedOutput(); err != nil {
		return result{}, fmt.Errorf("build: %w\n%s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		return result{}, err
	}
	var empty, second, reference, tour, idle, least []float64
	for i := range rounds {
		data := filepath.Join(dir, "data"+strconv.Itoa(i))
		for _, times := range []*[]float64{&empty, &second} {
			took, mb, err := start(ctx, func(address string) *exec.Cmd {
				return exec.CommandContext(ctx, program, "serve", "--data", data, "--listen", address)
			})
			if err != nil {
				return result{}, err
			}
			*times, idle = append(*times, took), append(idle, mb)
		}
		took, mb, err := start(ctx, func(address string) *exec.Cmd { return exec.CommandContext(ctx, self, "reference", address) })
		if err != nil {
			return result{}, err
		}
		reference, least = append(reference, took), append(least, mb)
		begin := time.Now()
		if out, err := exec.CommandContext(ctx, program, "tour").CombinedOutput(); err != nil {
			return result{}, fmt.Errorf("tour: %w\n%s", err, out)
		}
		tour = append(tour, time.Since(begin).Seconds())
	}
	return result{rounds, median(empty), median(second), median(reference), median(idle), median(least), median(tour)}, nil
}

// start starts a program, waits until it answers, waits until it is idle, and stops it.
func start(ctx context.Context, command func(address string) *exec.Cmd) (seconds, mb float64, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // only to find a free port
	if err != nil {
		return 0, 0, err
	}
	address := l.Addr().String()
	_ = l.Close()
	child := command(address)
	var said bytes.Buffer
	child.Stderr = &said
	begin := time.Now()
	if err := child.Start(); err != nil {
		return 0, 0, err
	}
	defer func() {
		_ = child.Process.Signal(syscall.SIGTERM)
		_ = child.Wait()
	}()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
		if err != nil {
			return 0, 0, err
		}
		if answer, err := http.DefaultTransport.RoundTrip(req); err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				break
			}
		}
		if time.Since(begin) > time.Minute {
			return 0, 0, fmt.Errorf("not ready within a minute: %s", said.String())
		}
		<-time.After(5 * time.Millisecond)
	}
	seconds = time.Since(begin).Seconds()
	<-time.After(2 * time.Second) // what starting took is given back by then
	mb, err = resident(child.Process.Pid)
	return seconds, mb, err
}

func resident(pid int) (float64, error) {
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(text)[0], 64)
			return kb / 1024, err
		}
	}
	return 0, fmt.Errorf("no VmRSS of process %d", pid)
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}
