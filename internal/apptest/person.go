package apptest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/html"
)

// Person is somebody with a browser of their own: it keeps cookies, follows no redirect by itself, and says of its
// forms what browsers say of them.
type Person struct {
	App      *App
	Name     string
	Email    string
	Password string
	// From is the address of their network, if the application was started with Options.Proxied.
	From string

	client *http.Client
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// File is a document that a form brings.
type File struct {
	Name    string
	Type    string
	Content []byte
}

// networks gives each person a network of their own.
type networks struct{ last atomic.Uint32 }

func (n *networks) next() string {
	i := n.last.Add(1)
	return fmt.Sprintf("10.%d.%d.7", i>>8&0xff, i&0xff)
}

// Person opens a browser without cookies, in a network of its own.
func (a *App) Person(t testing.TB) *Person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{
		Jar:           jar,
		Transport:     &http.Transport{DialContext: a.dial, MaxIdleConnsPerHost: 8},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(client.CloseIdleConnections)
	return &Person{App: a, From: a.networks.next(), client: client}
}

// dial leads to the application whatever the name: "localhost" does not resolve everywhere.
func (a *App) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, a.Listening())
}

// Listening is the address on which the application listens.
func (a *App) Listening() string { return a.server.Listener.Addr().String() }

// Do sends a request as it is told to, with the person's cookies; change may alter it before it is sent.
func (p *Person) Do(t testing.TB, method, path, contentType string, body io.Reader, change ...func(*http.Request)) Answer {
	t.Helper()
	answer, err := p.try(t.Context(), method, path, contentType, body, change...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer
}

func (p *Person) try(ctx context.Context, method, path, contentType string, body io.Reader, change ...func(*http.Request)) (Answer, error) {
	if !strings.HasPrefix(path, "http") {
		path = p.App.URL + path
	}
	r, err := http.NewRequestWithContext(ctx, method, path, body)
	if err != nil {
		return Answer{}, err
	}
	r.Header.Set("X-Forwarded-For", p.From)
	r.Header.Set("Accept-Language", "pt-PT")
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if method != http.MethodGet && method != http.MethodHead {
		r.Header.Set("Origin", p.App.URL)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for _, one := range change {
		one(r)
	}
	answer, err := p.client.Do(r)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	return Answer{answer.StatusCode, answer.Header, string(text)}, err
}

// Get opens an address.
func (p *Person) Get(t testing.TB, path string, change ...func(*http.Request)) Answer {
	t.Helper()
	return p.Do(t, http.MethodGet, path, "", nil, change...)
}

// Post sends a form of words.
func (p *Person) Post(t testing.TB, path string, values url.Values, change ...func(*http.Request)) Answer {
	t.Helper()
	return p.Do(t, http.MethodPost, path, formType, strings.NewReader(values.Encode()), change...)
}

const formType = "application/x-www-form-urlencoded"

// AtOnce sends a form n times at the same moment, and gives all answers.
func (p *Person) AtOnce(t testing.TB, n int, path string, values func(i int) url.Values) []Answer {
	t.Helper()
	return AtOnce(t, n, func(i int) (Answer, error) {
		return p.try(t.Context(), http.MethodPost, path, formType, strings.NewReader(values(i).Encode()))
	})
}

// TryPost is Post for what runs beside others: it gives the error instead of ending the test.
func (p *Person) TryPost(ctx context.Context, path string, values url.Values) (Answer, error) {
	return p.try(ctx, http.MethodPost, path, formType, strings.NewReader(values.Encode()))
}

// TryBody posts any body, and gives the error of a connection that was cut.
func (p *Person) TryBody(ctx context.Context, path, contentType string, body io.Reader) (Answer, error) {
	return p.try(ctx, http.MethodPost, path, contentType, body)
}

// AtOnce does something n times at the same moment.
func AtOnce(t testing.TB, n int, do func(i int) (Answer, error)) []Answer {
	t.Helper()
	type outcome struct {
		answer Answer
		err    error
	}
	ready, done := make(chan struct{}), make(chan outcome)
	for i := range n {
		go func() {
			<-ready
			answer, err := do(i)
			done <- outcome{answer, err}
		}()
	}
	close(ready)
	var all []Answer
	for range n {
		one := <-done
		if one.err != nil {
			t.Error(one.err)
		}
		all = append(all, one.answer)
	}
	return all
}

// Upload sends a form of words and documents.
func (p *Person) Upload(t testing.TB, path string, values url.Values, files map[string]File, change ...func(*http.Request)) Answer {
	t.Helper()
	body, contentType, err := Multipart(values, files)
	if err != nil {
		t.Fatal(err)
	}
	return p.Do(t, http.MethodPost, path, contentType, bytes.NewReader(body), change...)
}

// Multipart writes a form of words and documents. The name of a file is written as it is, line breaks and all: an
// attacker keeps no rules.
func Multipart(values url.Values, files map[string]File) (body []byte, contentType string, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, all := range values {
		for _, value := range all {
			if err := w.WriteField(name, value); err != nil {
				return nil, "", err
			}
		}
	}
	for slot, file := range files {
		h := textproto.MIMEHeader{"Content-Type": {orElse(file.Type, "application/pdf")}}
		h["Content-Disposition"] = []string{fmt.Sprintf(`form-data; name="%s"; filename="%s"`, slot, file.Name)}
		part, err := w.CreatePart(h)
		if err != nil {
			return nil, "", err
		}
		if _, err := part.Write(file.Content); err != nil {
			return nil, "", err
		}
	}
	err = w.Close()
	return b.Bytes(), w.FormDataContentType(), err
}

func orElse(value, other string) string {
	if value == "" {
		return other
	}
	return value
}

// Cookie is the value of a cookie; "" if there is none.
func (p *Person) Cookie(name string) string {
	at, _ := url.Parse(p.App.URL)
	for _, c := range p.client.Jar.Cookies(at) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// SetCookie puts a cookie in the browser, as whoever sits at it for a moment can.
func (p *Person) SetCookie(name, value string) {
	at, _ := url.Parse(p.App.URL)
	p.client.Jar.SetCookies(at, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

// Location is where the answer leads.
func (a Answer) Location() string { return a.Header.Get("Location") }

// Page reads the answer as HTML.
func (a Answer) Page(t testing.TB) *html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(a.Body))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// Value is what stands in the first field of a form that has a name, or the choice that is made; "" if there is none.
func (a Answer) Value(t testing.TB, name string) string {
	t.Helper()
	for n := range a.Page(t).Descendants() {
		if n.Type == html.ElementNode && n.Data == "input" && attribute(n, "name") == name && (!optional(n) || has(n, "checked")) {
			return attribute(n, "value")
		}
	}
	return ""
}

func optional(n *html.Node) bool {
	return slices.Contains([]string{"checkbox", "radio"}, attribute(n, "type"))
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// Fields are the names of the fields of the page's forms: those that bring documents, and the others.
func (a Answer) Fields(t testing.TB) (documents, words []string) {
	t.Helper()
	for n := range a.Page(t).Descendants() {
		name := attribute(n, "name")
		switch {
		case n.Type != html.ElementNode || name == "" || !slices.Contains([]string{"input", "select", "textarea"}, n.Data):
		case attribute(n, "type") == "file":
			documents = append(documents, name)
		default:
			words = append(words, name)
		}
	}
	return documents, words
}

// Text is all that the page says.
func (a Answer) Text(t testing.TB) string {
	t.Helper()
	var b strings.Builder
	for n := range a.Page(t).Descendants() {
		if n.Type == html.TextNode {
			b.WriteString(n.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// Says tells whether the page says something.
func (a Answer) Says(t testing.TB, words string) bool { return strings.Contains(a.Text(t), words) }

func attribute(n *html.Node, name string) string {
	for _, one := range n.Attr {
		if one.Key == name {
			return one.Val
		}
	}
	return ""
}

// JSON reads the answer as data.
func (a Answer) JSON(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Body), into); err != nil {
		t.Fatalf("%v\n%s", err, a.Body)
	}
}

// Random is a text that stands nowhere else.
func Random() string {
	var bits [12]byte
	_, _ = rand.Read(bits[:])
	return base64.RawURLEncoding.EncodeToString(bits[:])
}
