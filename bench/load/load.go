// Package load asks servers over HTTP as fast as they answer, at as little cost as can be: questions are bytes that were
// made before, connections stay open where the server lets them, and of an answer its length alone is looked at. So what
// the client takes of the cores is the same for all that are compared. Start reading at [Run].
package load

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

	"chancela/bench/child"
)

// connections ask at once.
const connections = 8

// Asker is one connection that asks and reads.
type Asker struct {
	Address string
	conn    net.Conn
	in      *bufio.Reader
	body    []byte
}

// Ask sends a request and gives the body of the answer, until the next.
func (a *Asker) Ask(request []byte) (body []byte, err error) {
	for range 2 { // a server that closes after an answer may have done so while we asked
		if a.conn == nil {
			if a.conn, err = net.Dial("tcp", a.Address); err != nil { //nolint:noctx // a bench ends by its own hand
				return nil, err
			}
			a.in = bufio.NewReaderSize(a.conn, 16384)
		}
		if _, err = a.conn.Write(request); err == nil {
			if body, err = a.read(); err == nil {
				return body, nil
			}
		}
		a.Close()
	}
	return nil, err
}

// Close closes it.
func (a *Asker) Close() {
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

func (a *Asker) read() ([]byte, error) {
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
		a.Close()
	}
	return a.body, err
}

// Burst is what a time of asking came to.
type Burst struct {
	Rate float64 // answers a second
	CPU  float64 // of the server, in microseconds an answer
}

// Run asks for some time, each connection by its own chance; an answer must have at least so many bytes.
func Run(c *child.Child, all [][]byte, least int, span time.Duration) (Burst, error) {
	before, err := c.CPU()
	if err != nil {
		return Burst{}, err
	}
	var wg sync.WaitGroup
	counts, errs := make([]int, connections), make([]error, connections)
	begin := time.Now()
	for n := range connections {
		wg.Go(func() {
			a := &Asker{Address: c.Address}
			defer a.Close()
			step := uint64(n)*2654435761 + 1
			for time.Since(begin) < span {
				for range 4 {
					step = step*6364136223846793005 + 1442695040888963407
					body, err := a.Ask(all[(step>>33)%uint64(len(all))])
					if err == nil && len(body) < least {
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
	if err := errors.Join(errors.Join(errs...), err); err != nil {
		return Burst{}, err
	}
	sum := 0
	for _, n := range counts {
		sum += n
	}
	return Burst{float64(sum) / took.Seconds(), float64((after - before).Microseconds()) / float64(sum)}, nil
}

// Each asks every question once.
func Each(address string, all [][]byte) error {
	var wg sync.WaitGroup
	errs := make([]error, connections)
	for n := range connections {
		wg.Go(func() {
			a := &Asker{Address: address}
			defer a.Close()
			for i := n; i < len(all) && errs[n] == nil; i += connections {
				_, errs[n] = a.Ask(all[i])
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
