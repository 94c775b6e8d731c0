package tour

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/html"
)

// mostPage bounds what is read of one answer: pages are small, and documents of the tour too.
const mostPage = 16 << 20

// errLost says that no answer came: whether the request was done nobody knows. A person would look again.
var errLost = errors.New("the answer was lost")

// browser is one person's browser: it keeps cookies, shows one page at a time, and runs no script.
type browser struct {
	client *http.Client
	base   *url.URL
	lang   string
	page   *page
	// kept is where the last page stood that came of something done, and its heading: it must be there again
	// after a restart.
	kept acknowledged
}

// acknowledged is a page that somebody saw after having done something.
type acknowledged struct{ address, heading string }

// page is what the browser shows.
type page struct {
	at     *url.URL
	status int
	kind   string // media type
	// disposition is what the answer says of itself as a download.
	disposition string
	body        []byte
	root        *html.Node // nil unless it is HTML
}

// newBrowser opens a browser without cookies. Everything goes to one address, whatever name it is called by, since
// "localhost" does not resolve everywhere.
func newBrowser(base *url.URL, lang string) (*browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(base.Host)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if address != base.Host && address != net.JoinHostPort("127.0.0.1", port) {
				return nil, fmt.Errorf("a page leads out of the instance, to %s", address)
			}
			return dialer.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
		},
		DisableKeepAlives: true, // so that a lost connection is never taken for a lost request
	}
	return &browser{client: &http.Client{Jar: jar, Transport: transport, Timeout: 30 * time.Second}, base: base, lang: lang}, nil
}

// open goes to an address, as by typing it or by a link.
func (b *browser) open(ctx context.Context, address string) error {
	to, err := b.resolve(address)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, to.String(), nil)
	if err != nil {
		return err
	}
	return b.do(req)
}

// fetch gets an address beside the page that is shown.
func (b *browser) fetch(ctx context.Context, address string) (*page, error) {
	shown, kept := b.page, b.kept
	err := b.open(ctx, address)
	got := b.page
	b.page, b.kept = shown, kept
	if err == nil && got.status != http.StatusOK {
		err = fmt.Errorf("GET %s: status %d", got.at.Path, got.status)
	}
	return got, err
}

func (b *browser) resolve(address string) (*url.URL, error) {
	from := b.base
	if b.page != nil {
		from = b.page.at
	}
	return from.Parse(address)
}

func (b *browser) do(req *http.Request) error {
	req.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	req.Header.Set("Accept-Language", b.lang)
	answer, err := b.client.Do(req)
	if err != nil {
		if ctx := req.Context(); ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%w: %s %s: %w", errLost, req.Method, req.URL.Path, err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, mostPage+1))
	if err != nil {
		return fmt.Errorf("%w: %s %s: %w", errLost, req.Method, req.URL.Path, err)
	}
	if len(body) > mostPage {
		return fmt.Errorf("%s %s: the answer is larger than %d MiB", req.Method, req.URL.Path, mostPage>>20)
	}
	p := &page{at: answer.Request.URL, status: answer.StatusCode, kind: mediaType(answer.Header.Get("Content-Type")), disposition: answer.Header.Get("Content-Disposition"), body: body}
	if p.kind == "text/html" {
		if p.root, err = html.Parse(bytes.NewReader(body)); err != nil {
			return fmt.Errorf("%s: %w", p.at.Path, err)
		}
	}
	b.page = p
	if req.Method == http.MethodPost && answer.Request.Method == http.MethodGet && p.status == http.StatusOK {
		b.kept = acknowledged{p.at.String(), p.heading()}
	}
	return nil
}

func mediaType(header string) string {
	kind, _, _ := strings.Cut(header, ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

// send presses a button of a filled form, as a browser would: only what stands in the form is sent.
func (b *browser) send(ctx context.Context, f *form, pressed *control) error {
	action, err := b.page.at.Parse(f.target(pressed))
	if err != nil {
		return err
	}
	if !strings.EqualFold(f.method, http.MethodPost) {
		action.RawQuery = f.values(pressed).Encode()
		return b.open(ctx, action.String())
	}
	body, kind, err := f.encode(pressed)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, action.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.GetBody = nil // never sent a second time behind our back
	req.Header.Set("Content-Type", kind)
	// What browsers say of a form of the same site; the server lets no other change anything.
	req.Header.Set("Origin", b.base.Scheme+"://"+b.base.Host)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	if err = b.do(req); errors.Is(err, errLost) {
		b.kept = acknowledged{} // it may have been done, and have changed what was shown before
	}
	return err
}

// encode writes the form as its enctype says.
func (f *form) encode(pressed *control) (body []byte, kind string, err error) {
	values := f.values(pressed)
	if !strings.EqualFold(f.enctype, "multipart/form-data") {
		return []byte(values.Encode()), "application/x-www-form-urlencoded", nil
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, name := range sortedKeys(values) {
		for _, value := range values[name] {
			if err := w.WriteField(name, value); err != nil {
				return nil, "", err
			}
		}
	}
	for _, c := range f.controls {
		for _, file := range c.files {
			header := textproto.MIMEHeader{}
			header.Set("Content-Disposition", multipart.FileContentDisposition(c.name, file.name))
			header.Set("Content-Type", file.kind)
			part, err := w.CreatePart(header)
			if err != nil {
				return nil, "", err
			}
			if _, err := part.Write(file.content); err != nil {
				return nil, "", err
			}
		}
	}
	err = w.Close()
	return b.Bytes(), w.FormDataContentType(), err
}

// sawAgain opens the page that came of the last thing done and says whether it is still there: what was acknowledged
// before a crash must hold after it.
func (b *browser) sawAgain(ctx context.Context) error {
	if b.kept.address == "" {
		return nil
	}
	got, err := b.fetch(ctx, b.kept.address)
	if err != nil {
		return fmt.Errorf("a page that was shown before the crash: %w", err)
	}
	if heading := got.heading(); heading != b.kept.heading {
		return fmt.Errorf("%s was headed %q before the crash, and is headed %q after it", got.at.Path, b.kept.heading, heading)
	}
	return nil
}
