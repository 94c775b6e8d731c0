package pkihttp

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page and its style
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"chancela/internal/i18n"
	"chancela/internal/publication"
	"chancela/internal/status"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
)

// The pages here are for people, and still stand on this mux: the statement's address is in certificates, where it is
// plain http and leads nowhere else, so it needs neither cookie nor script nor anything from another address.

const (
	pathStatement = "/pki/politica"
	pathProfiles  = "/pki/perfis"
	pathSamples   = "/pki/teste/"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

var pages = template.Must(template.New("page").Parse(pageText))

// writer turns Markdown into HTML; raw HTML in it is left out.
var writer = goldmark.New(goldmark.WithExtensions(extension.Table))

// publishes adds the addresses of what the authority publishes of itself.
func (h *Handler) publishes(w http.ResponseWriter, r *http.Request, path string) bool {
	if h.publication == nil {
		return false
	}
	switch {
	case path == pathStatement || strings.HasPrefix(path, pathStatement+"/"):
		h.statement(w, r, strings.TrimPrefix(path, pathStatement))
	case path == pathProfiles || path == pathProfiles+"/en":
		h.profiles(w, r, langOf(path, pathProfiles))
	case path == pathProfiles+".json":
		h.profileData(w, r)
	case strings.HasPrefix(path, pathSamples):
		h.sample(w, r, strings.TrimPrefix(path, pathSamples))
	default:
		return false
	}
	return true
}

func langOf(path, base string) i18n.Lang {
	if strings.HasPrefix(strings.TrimPrefix(path, base), "/en") {
		return i18n.EN
	}
	return i18n.PT
}

// page is what page.html is filled with.
type page struct {
	Lang, OtherLang i18n.Lang
	Title           string
	Style           template.CSS
	Suffix          string // of addresses in this language
	Other           string
	Body            template.HTML
	Superseded      bool
	Version, Source string
	Former          []pageLink
	Data            string
	Profiles        []profilePart
}

type pageLink struct{ Path, Text string }

// Say gives a word in the page's language.
func (p page) Say(key string) string { return i18n.Say(p.Lang, key, nil) }

func newPage(lang i18n.Lang, base, title string) page {
	p := page{Lang: lang, OtherLang: i18n.EN, Title: i18n.Say(lang, title, nil), Style: template.CSS(pageStyle), Other: base + "/en"} //nolint:gosec // embedded: nobody's input
	if lang == i18n.EN {
		p.OtherLang, p.Suffix, p.Other = i18n.PT, "/en", base
	}
	return p
}

// show sends a page, with the tag of what it says.
func (h *Handler) show(w http.ResponseWriter, r *http.Request, p page, tag string) {
	var out bytes.Buffer
	if err := pages.Execute(&out, p); err != nil {
		h.refuse(w, r, err)
		return
	}
	sum := sha256.Sum256([]byte(pageStyle))
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	// The page says that it has no icon (data:), or browsers would ask for one.
	header.Set("Content-Security-Policy", "default-src 'none'; img-src data:; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-cache")
	if tag != "" {
		header.Set("ETag", `"`+tag+`"`)
		if has(r.Header.Get("If-None-Match"), `"`+tag+`"`) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	h.send(w, r, out.Bytes())
}

// statement shows the practice statement in force, or a former one by its number: "", "/en", "/3", "/en/3", each with
// ".md" behind it for the text as it was published.
func (h *Handler) statement(w http.ResponseWriter, r *http.Request, rest string) {
	rest, source := strings.CutSuffix(rest, ".md")
	lang := i18n.PT
	if rest == "/en" || strings.HasPrefix(rest, "/en/") {
		lang, rest = i18n.EN, strings.TrimPrefix(rest, "/en")
	}
	number := int64(0)
	if rest != "" {
		var err error
		if number, err = strconv.ParseInt(strings.TrimPrefix(rest, "/"), 10, 32); err != nil || number < 1 || rest != "/"+strconv.FormatInt(number, 10) {
			http.NotFound(w, r)
			return
		}
	}
	one, err := h.publication.Statement(r.Context(), lang, number)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	if source {
		w.Header().Set("Content-Type", "text/markdown; charset=utf-8")
		w.Header().Set("ETag", `"`+one.Hash+`"`)
		h.send(w, r, []byte(one.Text))
		return
	}
	last, err := h.publication.Statement(r.Context(), lang, 0)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	h.show(w, r, statementPage(one, last), one.Hash+"-"+strconv.FormatInt(last.Number, 10))
}

func statementPage(one, last publication.Statement) page {
	p := newPage(one.Lang, pathStatement, "publication.title")
	var body bytes.Buffer
	if err := writer.Convert([]byte(one.Text), &body); err == nil {
		p.Body = template.HTML(body.String()) //nolint:gosec // of Markdown without raw HTML, and of our own text
	}
	p.Superseded = one.Number != last.Number
	at := strconv.FormatInt(one.Number, 10)
	p.Version = i18n.Say(one.Lang, "publication.version", i18n.Args{"number": at, "day": i18n.Date(one.Lang, one.PublishedAt), "hash": one.Hash})
	p.Source = pathStatement + p.Suffix + "/" + at + ".md"
	for n := last.Number; n >= 1; n-- {
		if n != one.Number {
			p.Former = append(p.Former, pageLink{pathStatement + p.Suffix + "/" + strconv.FormatInt(n, 10), i18n.Say(one.Lang, "publication.former", i18n.Args{"number": strconv.FormatInt(n, 10)})})
		}
	}
	return p
}

// profilePart is one profile on the page.
type profilePart struct {
	Key, Product, VersionText string
	Rows                      []struct{ Label, Value string }
	Subject                   []struct{ Attribute, Presence, Longest string }
	Samples                   []pageLink
}

func (h *Handler) profiles(w http.ResponseWriter, r *http.Request, lang i18n.Lang) {
	samples, err := h.publication.Samples(r.Context())
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	p := newPage(lang, pathProfiles, "publication.profiles")
	p.Body = template.HTML("<h1>" + template.HTMLEscapeString(p.Title) + "</h1><p>" + template.HTMLEscapeString(p.Say("publication.profiles.lead")) + "</p>") //nolint:gosec // escaped
	p.Data = pathProfiles + ".json"
	for _, one := range h.publication.Profiles() {
		p.Profiles = append(p.Profiles, partOf(lang, one, samples))
	}
	h.show(w, r, p, "")
}

func partOf(lang i18n.Lang, one publication.Profile, samples []publication.Sample) profilePart {
	say := func(key string, args ...string) string { return i18n.Say(lang, "publication."+key, pairs(args)) }
	part := profilePart{Key: one.Key, Product: one.Product, VersionText: say("version-of", "n", strconv.Itoa(one.Version))}
	row := func(label string, values ...string) {
		if value := strings.Join(values, ", "); value != "" {
			part.Rows = append(part.Rows, struct{ Label, Value string }{say(label), value})
		}
	}
	var terms []string
	if one.Years > 0 {
		terms = append(terms, say("years", "n", strconv.Itoa(one.Years)))
	}
	if one.Days > 0 {
		terms = append(terms, say("days", "n", strconv.Itoa(one.Days)))
	}
	row("validity", terms...)
	row("keys", one.Keys...)
	row("usage", one.Usage...)
	row("usage-ec", one.UsageEC...)
	row("purposes", one.Extended...)
	row("policies", one.Policies...)
	row("statements", one.QC...)
	for _, s := range one.Subject {
		longest := "–"
		if s.Longest > 0 {
			longest = strconv.Itoa(s.Longest)
		}
		part.Subject = append(part.Subject, struct{ Attribute, Presence, Longest string }{string(s.Attribute), say(string(s.Presence)), longest})
	}
	for _, s := range samples {
		if s.Profile == one.Key {
			part.Samples = append(part.Samples, pageLink{pathSamples + s.Profile + "-" + string(s.State) + ".cer", say("sample."+string(s.State)) + " (" + s.Serial + ")"})
		}
	}
	return part
}

func pairs(words []string) i18n.Args {
	args := i18n.Args{}
	for pair := range slices.Chunk(words, 2) {
		args[pair[0]] = pair[1]
	}
	return args
}

// profileData gives the profiles and the test certificates as data.
func (h *Handler) profileData(w http.ResponseWriter, r *http.Request) {
	samples, err := h.publication.Samples(r.Context())
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	body, err := json.Marshal(struct {
		Profiles []publication.Profile `json:"profiles"`
		Samples  []publication.Sample  `json:"test_certificates"`
	}{h.publication.Profiles(), samples})
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-cache")
	h.send(w, r, body)
}

// sample serves a test certificate, DER.
func (h *Handler) sample(w http.ResponseWriter, r *http.Request, name string) {
	name, ok := strings.CutSuffix(name, ".cer")
	if !ok {
		http.NotFound(w, r)
		return
	}
	one, err := h.publication.Sample(r.Context(), name)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	sum := sha256.Sum256(one.DER)
	h.file(w, r, status.File{DER: one.DER, ETag: `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`, Modified: one.From}, "application/pkix-cert", 5*time.Minute)
}
