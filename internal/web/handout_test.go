package web_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"chancela/internal/apptest"
)

func TestDocumentsComeFromAnOriginOfTheirOwnByATicketOnly(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t, apptest.Options{Handout: true, Idle: true})
	p := app.Person(t)
	id, paper := whole(t, p)
	to := ""
	for _, n := range all(p.Get(t, "/ecce/processos/"+id+"/rever").Page(t), "a") {
		if said(n) == paper.Name {
			to = attr(n, "href")
		}
	}
	led := want(t, p.Get(t, to), http.StatusSeeOther)
	ticket := led.Header.Get("Location")
	if !strings.HasPrefix(ticket, "http://127.0.0.1:") || strings.Contains(ticket, id) {
		t.Fatalf("led to %s", ticket)
	}
	if got := fetch(t, ticket); got != string(paper.Content) {
		t.Errorf("the ticket gives %d bytes, want %d", len(got), len(paper.Content))
	}
	if got := fetch(t, ticket[:len(ticket)-4]+"AAAA"); strings.Contains(got, "%PDF") {
		t.Error("a forged ticket gave a document")
	}
	if got := fetch(t, strings.SplitN(ticket, "/documento/", 2)[0]+"/ecce/"); strings.Contains(got, "<form") {
		t.Error("the origin of documents serves pages")
	}
	stranger := want(t, app.Person(t).Get(t, to), http.StatusSeeOther)
	if got := fetch(t, stranger.Header.Get("Location")); strings.Contains(got, "%PDF") {
		t.Error("a stranger's ticket gave a document")
	}
}

// fetch reads an address without any cookie.
func fetch(t *testing.T, address string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var text strings.Builder
	if _, err := io.Copy(&text, answer.Body); err != nil {
		t.Fatal(err)
	}
	return text.String()
}
