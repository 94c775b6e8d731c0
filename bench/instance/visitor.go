package instance

import (
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Visitor is a browser with its cookies, in a network of its own.
type Visitor struct {
	in      *Instance
	client  *http.Client
	network string
}

// Answer is what came back, and after how long its last byte was there.
type Answer struct {
	Status   int
	Location string
	Body     string
	Again    string // when to come again, of somebody who is sent away
	Took     time.Duration
}

// Visitor gives a new visitor, from a network that nobody came from before.
func (in *Instance) Visitor() *Visitor {
	jar, _ := cookiejar.New(nil) // never fails without options
	n := in.networks.Add(1)
	return &Visitor{in: in, network: fmt.Sprintf("10.%d.%d.1", n>>8&255, n&255), client: &http.Client{
		Jar: jar, Transport: in.transport, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Get opens an address.
func (v *Visitor) Get(ctx context.Context, path string) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.in.base+path, nil)
	if err != nil {
		return Answer{}, err
	}
	return v.do(req)
}

// Post sends a form.
func (v *Visitor) Post(ctx context.Context, path string, values url.Values) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.in.base+path, strings.NewReader(values.Encode()))
	if err != nil {
		return Answer{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", v.in.base)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return v.do(req)
}

func (v *Visitor) do(req *http.Request) (Answer, error) {
	req.Header.Set("X-Forwarded-For", v.network)
	begin := time.Now()
	got, err := v.client.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = got.Body.Close() }()
	body, err := io.ReadAll(got.Body)
	took := time.Since(begin)
	location, _, _ := strings.Cut(got.Header.Get("Location"), "#")
	return Answer{Status: got.StatusCode, Location: strings.TrimPrefix(location, v.in.base), Body: string(body), Again: got.Header.Get("Retry-After"), Took: took}, err
}

// Fill opens a page and gives its form, whose address ends so, filled in; it is not sent.
func (v *Visitor) Fill(ctx context.Context, path, ending string, with Answers) (action string, values url.Values, err error) {
	page, err := v.Get(ctx, path)
	if err != nil {
		return "", nil, err
	}
	return page.form(ending, with)
}

// Send opens a page, fills in its form and sends it.
func (v *Visitor) Send(ctx context.Context, path, ending string, with Answers) (Answer, error) {
	action, values, err := v.Fill(ctx, path, ending, with)
	if err != nil {
		return Answer{}, err
	}
	got, err := v.Post(ctx, action, values)
	if err == nil && got.Status != http.StatusSeeOther {
		err = fmt.Errorf("%s: status %d", ending, got.Status)
	}
	return got, err
}

// Answers are what is typed, by what a field tells browsers of itself (its type, autocomplete or inputmode).
type Answers map[string]string

var (
	forms    = regexp.MustCompile(`(?s)<form [^>]*action="([^"]*)"[^>]*>(.*?)</form>`)
	controls = regexp.MustCompile(`(?s)<(input|select)\s([^>]*)>`)
	choices  = regexp.MustCompile(`(?s)<option value="([^"]+)"`)
	words    = regexp.MustCompile(`([a-z-]+)="([^"]*)"`)
)

func (a Answer) form(ending string, with Answers) (string, url.Values, error) {
	for _, found := range forms.FindAllStringSubmatch(a.Body, -1) {
		action := html.UnescapeString(found[1])
		if strings.HasSuffix(action, ending) {
			return action, filled(found[2], with), nil
		}
	}
	return "", nil, fmt.Errorf("no form %q on a page of status %d", ending, a.Status)
}

func filled(form string, with Answers) url.Values {
	values := url.Values{}
	for _, at := range controls.FindAllStringSubmatchIndex(form, -1) {
		attr := map[string]string{}
		for _, one := range words.FindAllStringSubmatch(form[at[4]:at[5]], -1) {
			attr[one[1]] = html.UnescapeString(one[2])
		}
		value := attr["value"]
		switch {
		case form[at[2]:at[3]] == "select":
			value = choices.FindStringSubmatch(form[at[1]:] + `<option value=" "`)[1]
		case slices.Contains([]string{"checkbox", "radio"}, attr["type"]) && !strings.Contains(form[at[4]:at[5]], " checked"):
			continue
		}
		for _, told := range []string{attr["inputmode"], attr["type"], attr["autocomplete"]} {
			if typed, ok := with[told]; ok && attr["type"] != "hidden" {
				value = typed
			}
		}
		values.Add(attr["name"], value)
	}
	return values
}
