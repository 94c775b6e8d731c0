package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"golang.org/x/crypto/ocsp"

	"chancela/bench/child"
	"chancela/bench/known"
)

// connections ask at once, on connections that stay where the server lets them.
const connections = 8

// asker is one connection that asks and reads, and makes nothing of what it reads but its length.
type asker struct {
	address string
	conn    net.Conn
	in      *bufio.Reader
	body    []byte
}

func (a *asker) ask(request []byte) (body []byte, err error) {
	for range 2 { // a server that closes after an answer may have done so while we asked
		if a.conn == nil {
			if a.conn, err = net.Dial("tcp", a.address); err != nil { //nolint:noctx // a bench ends by its own hand
				return nil, err
			}
			a.in = bufio.NewReaderSize(a.conn, 8192)
		}
		if _, err = a.conn.Write(request); err == nil {
			if body, err = a.read(); err == nil {
				return body, nil
			}
		}
		a.close()
	}
	return nil, err
}

func (a *asker) close() {
	if a.conn != nil {
		_ = a.conn.Close()
		a.conn = nil
	}
}

var (
	okLines  = [][]byte{[]byte("HTTP/1.1 200"), []byte("HTTP/1.0 200")}
	lengthIs = []byte("Content-Length: ")
	closes   = []byte("Connection: close")
)

func (a *asker) read() ([]byte, error) {
	line, err := a.in.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(line, okLines[0]) && !bytes.HasPrefix(line, okLines[1]) {
		return nil, fmt.Errorf("answered %q", line)
	}
	old, length := bytes.HasPrefix(line, okLines[1]), -1
	for {
		if line, err = a.in.ReadSlice('\n'); err != nil {
			return nil, err
		}
		if len(line) <= 2 {
			break
		}
		switch {
		case length < 0 && bytes.EqualFold(line[:min(len(line), len(lengthIs))], lengthIs):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(lengthIs):]))); err != nil {
				return nil, err
			}
		case bytes.HasPrefix(line, closes):
			old = true
		}
	}
	if length < 0 {
		return nil, errors.New("an answer without a length")
	}
	if cap(a.body) < length {
		a.body = make([]byte, length)
	}
	a.body = a.body[:length]
	if _, err = io.ReadFull(a.in, a.body); old {
		a.close()
	}
	return a.body, err
}

// burst is what a time of asking came to.
type burst struct {
	Rate float64 // answers a second
	CPU  float64 // of the server, in microseconds an answer
}

// load asks for some time, each connection its own share of the questions, over and over.
func load(c *child.Child, all [][]byte, span time.Duration) (burst, error) {
	before, err := c.CPU()
	if err != nil {
		return burst{}, err
	}
	var wg sync.WaitGroup
	counts, errs := make([]int, connections), make([]error, connections)
	begin := time.Now()
	for n := range connections {
		wg.Go(func() {
			a := &asker{address: c.Address}
			defer a.close()
			step := uint64(n)*2654435761 + 1
			for time.Since(begin) < span {
				for range 16 {
					step = step*6364136223846793005 + 1442695040888963407
					body, err := a.ask(all[(step>>33)%uint64(len(all))])
					if err == nil && len(body) < 300 {
						err = fmt.Errorf("an answer of %d bytes", len(body))
					}
					if err != nil {
						errs[n] = err
						return
					}
					counts[n]++
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(begin)
	after, err := c.CPU()
	if err := errors.Join(append(errs, err)...); err != nil {
		return burst{}, err
	}
	sum := 0
	for _, n := range counts {
		sum += n
	}
	return burst{float64(sum) / took.Seconds(), float64((after - before).Microseconds()) / float64(sum)}, nil
}

// each asks every question once: what is signed on first demand is signed then.
func each(address string, all [][]byte) error {
	var wg sync.WaitGroup
	errs := make([]error, connections)
	for n := range connections {
		wg.Go(func() {
			a := &asker{address: address}
			defer a.close()
			for i := n; i < len(all) && errs[n] == nil; i += connections {
				_, errs[n] = a.ask(all[i])
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// right says whether some answers say what they should, as another implementation reads and verifies them.
func right(address string, s *site, all [][]byte, about []known.Certificate) error {
	a := &asker{address: address}
	defer a.close()
	revoked := 0
	for i, request := range all {
		want := ocsp.Good
		if about[i].Revoked {
			want, revoked = ocsp.Revoked, revoked+1
		}
		if i > 20 && want == ocsp.Good || revoked > 20 {
			continue
		}
		body, err := a.ask(request)
		if err != nil {
			return err
		}
		r, err := ocsp.ParseResponse(body, s.issuer)
		if err != nil || r.Status != want || r.SerialNumber.Cmp(about[i].Serial) != 0 {
			return fmt.Errorf("%s answers wrongly about %x: %v", s.name, about[i].Serial, err)
		}
	}
	if revoked == 0 {
		return errors.New("nothing that is revoked was asked about")
	}
	return nil
}
