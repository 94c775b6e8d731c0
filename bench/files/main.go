// Files measures what is served as it is: a revocation list of about 5 MB, and a script and a style of the pages, by the
// built program, by nginx (sendfile on, a worker for each core) and by Go's http.FileServer, each in a process of its own,
// the same bytes, asked in turn by the same client on the same cores.
//
//	go run ./bench/files [-rounds 5] [-seconds 3]
//
// prints one line of JSON and writes bench/results/files.md. It fails on no clock. It wants nginx: apt-get install
// nginx-light.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"chancela/bench/child"
	"chancela/bench/instance"
	"chancela/bench/known"
	"chancela/bench/load"
)

type figures struct {
	Rounds          int     `json:"rounds"`
	ListMB          float64 `json:"list_mb"`
	List            float64 `json:"list_per_s"`
	ListOfNginx     float64 `json:"list_of_nginx"`
	ListOfServer    float64 `json:"list_of_fileserver"`
	Static          float64 `json:"static_per_s"`
	StaticOfNginx   float64 `json:"static_of_nginx"`
	StaticOfServer  float64 `json:"static_of_fileserver"`
	StaticCPU       float64 `json:"static_server_us"`
	NginxStaticCPU  float64 `json:"nginx_static_server_us"`
	ServerStaticCPU float64 `json:"fileserver_static_server_us"`
}

func main() {
	if len(os.Args) == 4 && os.Args[1] == "fileserver" {
		err := http.ListenAndServe(os.Args[2], http.FileServer(http.Dir(os.Args[3]))) //nolint:gosec // the reference is what is least
		fmt.Fprintln(os.Stderr, err)
		return
	}
	rounds := flag.Int("rounds", 5, "how many times each is measured")
	seconds := flag.Float64("seconds", 3, "how long each is asked each time")
	flag.Parse()
	if err := measure(context.Background(), *rounds, time.Duration(*seconds*float64(time.Second))); err != nil {
		fmt.Fprintln(os.Stderr, "bench/files:", err)
		os.Exit(1)
	}
}

// revoked is how many entries make a list of some 5 MB.
const revoked = 110_000

// paths are where the same files are at each server.
type paths struct {
	list   string
	static []string
}

func measure(ctx context.Context, rounds int, span time.Duration) (err error) {
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		return errors.New("nginx is not here: apt-get install nginx-light")
	}
	before := instance.Load()
	dir, err := os.MkdirTemp("", "chancela-files-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	program, err := known.Build(ctx, dir)
	if err != nil {
		return err
	}
	filled, err := known.Fill(ctx, program, filepath.Join(dir, "data"), known.Count{All: revoked, RevokedEach: 1})
	if err != nil {
		return err
	}
	ours, err := filled.Serve(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.Stop()) }()
	root, at, size, err := copied(ctx, filled, ours.Address, dir)
	if err != nil {
		return err
	}
	server, err := startFileServer(ctx, root)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	other, err := startNginx(ctx, nginx, dir, root)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, other.Stop()) }()
	if _, err := ours.Quiet(time.Minute); err != nil {
		return err
	}
	f, err := compare(rounds, span, at, size, []*child.Child{ours, other, server})
	if err != nil {
		return err
	}
	f.ListMB = float64(size) / 1e6
	return f.record(ctx, rounds, span, before)
}

var styles = regexp.MustCompile(`"(/estatico/portal[^"]+\.css)"`)

// script is a script of the pages; its address says its content.
func script() (string, error) {
	data, err := os.ReadFile("internal/web/ui/static/autosave.js")
	sum := sha256.Sum256(data)
	return "/estatico/autosave." + hex.EncodeToString(sum[:6]) + ".js", err
}

// copied waits for the list, and puts the same files under the same addresses into a folder for the others.
func copied(ctx context.Context, filled *known.Filled, address, dir string) (root string, at paths, size int, err error) {
	root = filepath.Join(dir, "root")
	at.list = "/pki/crl/" + filled.Name + ".crl"
	for begin := time.Now(); size < revoked*40; <-time.After(time.Second) { // it is made behind the start
		list, err := fetch(ctx, address, at.list)
		if size = len(list); err != nil || time.Since(begin) > 2*time.Minute {
			return "", at, 0, errors.Join(err, fmt.Errorf("a list of %d bytes", size))
		}
	}
	first, err := fetch(ctx, address, "/pki/")
	if err != nil {
		return "", at, 0, err
	}
	style := styles.FindSubmatch(first)
	if style == nil {
		return "", at, 0, errors.New("a page names no style")
	}
	name, err := script()
	if err != nil {
		return "", at, 0, err
	}
	at.static = []string{string(style[1]), name}
	for _, path := range append([]string{at.list}, at.static...) {
		data, err := fetch(ctx, address, path)
		if err == nil {
			err = os.MkdirAll(filepath.Join(root, filepath.Dir(path)), 0o755) //nolint:gosec // nginx's workers read it
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(root, path), data, 0o644) //nolint:gosec // as above
		}
		if err != nil {
			return "", at, 0, err
		}
	}
	return root, at, size, os.Chmod(dir, 0o755) //nolint:gosec // as above
}

func fetch(ctx context.Context, address, path string) (_ []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return nil, err
	}
	req.Host = hostOf(address)
	req.Header.Set("Accept", "text/html, */*")
	answer, err := (&http.Transport{DisableCompression: true}).RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, answer.Body.Close()) }()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, answer.Status)
	}
	return io.ReadAll(answer.Body)
}

// hostOf is the name by which the program knows itself there: it sends whoever comes by another name to its own.
func hostOf(address string) string {
	_, port, _ := strings.Cut(address, ":")
	return "localhost:" + port
}

func startFileServer(ctx context.Context, root string) (*child.Child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return child.Start(ctx, time.Minute, func(address string) *exec.Cmd { return exec.CommandContext(ctx, self, "fileserver", address, root) }, opens)
}

// config is nginx as one would set it up for files.
const config = `daemon off; worker_processes %d; pid %s/nginx.pid; error_log stderr warn;
events { worker_connections 512; }
http {
	access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_timeout 60; keepalive_requests 1000000000; open_file_cache max=100;
	types { application/pkix-crl crl; text/css css; text/javascript js; }
	client_body_temp_path %[2]s/t1; proxy_temp_path %[2]s/t2; fastcgi_temp_path %[2]s/t3; uwsgi_temp_path %[2]s/t4; scgi_temp_path %[2]s/t5;
	server { listen %[3]s; root %[4]s; }
}
`

func startNginx(ctx context.Context, nginx, dir, root string) (*child.Child, error) {
	var failed error
	name := filepath.Join(dir, "nginx.conf")
	c, err := child.Start(ctx, time.Minute, func(address string) *exec.Cmd {
		failed = os.WriteFile(name, fmt.Appendf(nil, config, runtime.NumCPU(), dir, address, root), 0o600)
		return exec.CommandContext(ctx, nginx, "-c", name, "-e", "stderr")
	}, opens)
	return c, errors.Join(failed, err)
}

// opens says whether somebody answers at an address.
func opens(ctx context.Context, address string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/", nil)
	if err != nil {
		return false
	}
	req.Close = true
	answer, err := http.DefaultTransport.RoundTrip(req)
	if err == nil {
		_ = answer.Body.Close()
	}
	return err == nil
}

func compare(rounds int, span time.Duration, at paths, size int, all []*child.Child) (f figures, err error) {
	request := func(c *child.Child, paths ...string) (requests [][]byte) {
		for _, path := range paths {
			requests = append(requests, []byte("GET "+path+" HTTP/1.1\r\nHost: "+hostOf(c.Address)+"\r\n\r\n"))
		}
		return requests
	}
	lists, files := make([][]load.Burst, len(all)), make([][]load.Burst, len(all))
	for range rounds {
		for i, c := range all {
			big, err := load.Run(c, request(c, at.list), size, span)
			if err != nil {
				return f, err
			}
			small, err := load.Run(c, request(c, at.static...), 100, span)
			if err != nil {
				return f, err
			}
			lists[i], files[i] = append(lists[i], big), append(files[i], small)
			fmt.Fprintf(os.Stderr, "%s: list %.0f/s, static %.0f/s\n", []string{"chancela", "nginx", "FileServer"}[i], big.Rate, small.Rate)
		}
	}
	rate := func(b load.Burst) float64 { return b.Rate }
	cpu := func(b load.Burst) float64 { return b.CPU }
	return figures{
		Rounds: rounds, List: median(lists[0], rate), ListOfNginx: ratio(lists[0], lists[1]), ListOfServer: ratio(lists[0], lists[2]),
		Static: median(files[0], rate), StaticOfNginx: ratio(files[0], files[1]), StaticOfServer: ratio(files[0], files[2]),
		StaticCPU: median(files[0], cpu), NginxStaticCPU: median(files[1], cpu), ServerStaticCPU: median(files[2], cpu),
	}, nil
}

func ratio(of, to []load.Burst) float64 {
	all := make([]float64, len(of))
	for i := range of {
		all[i] = of[i].Rate / to[i].Rate
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func median(all []load.Burst, of func(load.Burst) float64) float64 {
	var sorted []float64
	for _, b := range all {
		sorted = append(sorted, of(b))
	}
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}

func (f figures) record(ctx context.Context, rounds int, span time.Duration, before string) error {
	return instance.Record{
		Name: "files", Title: "Lists and files", Command: fmt.Sprintf("go run ./bench/files -rounds %d -seconds %.0f", rounds, span.Seconds()),
		Words: "Medians, and medians of the ratios of each round. The same bytes for all, not packed: a list as the program made it, a script and a style of its pages. 8 connections that stay open, client and servers on the same cores. nginx: `sendfile on`, `open_file_cache`, a worker for each core, no log.",
		Table: fmt.Sprintf("| measure | figure | must | goal |\n| --- | --- | --- | --- |\n| a list of %.1f MB, of FileServer's | %.2f (%.0f/s) | 0.9 | |\n| the same, of nginx's | %.2f | | 0.9 |\n| script and style, of FileServer's | %.2f (%.0f/s; server %.0f of %.0f µs) | 0.9 | |\n| the same, of nginx's | %.2f (%.0f µs) | | 0.65 |\n",
			f.ListMB, f.ListOfServer, f.List, f.ListOfNginx, f.StaticOfServer, f.Static, f.StaticCPU, f.ServerStaticCPU, f.StaticOfNginx, f.NginxStaticCPU),
		Figures: f,
	}.Write(ctx, os.Stdout, before)
}
