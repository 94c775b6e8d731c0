package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// target is a program that issues.
type target struct {
	address, path string
	token         string // "" for one that asks for none
	status        int    // of what it has issued
	pid           int
}

func (t target) with(token string) target {
	t.token = token
	return t
}

// run is what came of one round.
type run struct {
	took    []float64 // seconds, of each request
	answers [][]byte
	seconds float64
	cpu     float64 // seconds of the program's processor time
}

// makeRequests makes key requests, each of a key of its own, as PEM.
func makeRequests(n int) ([][]byte, error) {
	all := make([][]byte, n)
	for i := range all {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
		if err != nil {
			return nil, err
		}
		all[i] = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	}
	return all, nil
}

// drive posts every request once, over connections that stay open. The requests stand ready and answers are read by
// hand, so that the bench takes little of the processors that it shares with the program.
func (t target) drive(requests [][]byte) (run, error) {
	lines := make([][]byte, len(requests))
	for i, body := range requests {
		lines[i] = t.line(body)
	}
	got := run{took: make([]float64, len(lines)), answers: make([][]byte, len(lines))}
	before, err := cpuOf(t.pid)
	if err != nil {
		return got, err
	}
	begin := time.Now()
	if err := t.post(lines, got); err != nil {
		return got, err
	}
	got.seconds = time.Since(begin).Seconds()
	after, err := cpuOf(t.pid)
	got.cpu = after - before
	return got, err
}

func (t target) line(body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: localhost:%s\r\nContent-Type: application/pkcs10\r\nContent-Length: %d\r\n", t.path, t.address[strings.LastIndexByte(t.address, ':')+1:], len(body))
	if t.token != "" {
		fmt.Fprintf(&b, "Authorization: Bearer %s\r\n", t.token)
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}

func (t target) post(lines [][]byte, got run) error {
	var next atomic.Int64
	errs := make([]error, connections)
	var all sync.WaitGroup
	for c := range connections {
		all.Go(func() { errs[c] = t.connection(lines, got, &next) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (t target) connection(lines [][]byte, got run, next *atomic.Int64) error {
	conn, err := net.Dial("tcp", "127.0.0.1:"+t.address[strings.LastIndexByte(t.address, ':')+1:]) //nolint:noctx // a round ends by itself
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	in := bufio.NewReader(conn)
	for {
		i := int(next.Add(1)) - 1
		if i >= len(lines) {
			return nil
		}
		begin := time.Now()
		if _, err := conn.Write(lines[i]); err != nil {
			return err
		}
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(answer.Body)
		if err = errors.Join(err, answer.Body.Close()); err != nil {
			return err
		}
		if answer.StatusCode != t.status {
			return fmt.Errorf("%s: status %d: %s", t.path, answer.StatusCode, body)
		}
		got.took[i], got.answers[i] = time.Since(begin).Seconds(), body
	}
}

// cpuOf is the processor time that a process has had so far, in seconds: fields 14 and 15 of its stat (proc(5)).
func cpuOf(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ") // behind the name, which may hold anything
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("stat of process %d has %d fields", pid, len(fields))
	}
	const ticks = 100 // a second, on every Linux that Go knows
	sum := 0.0
	for _, field := range fields[11:13] {
		n, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum / ticks, nil
}
