package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"chancela/internal/apptest"
)

func TestAProblemIsReportedAcknowledgedAndAnswered(t *testing.T) {
	t.Parallel()
	app := start(t)
	by, stranger := officer(t, app, state), app.Person(t)
	for _, path := range []string{"/ecce/comunicar-problema", "/ecce/revogar/sem-codigo"} {
		sound(t, want(t, stranger.Get(t, path), http.StatusOK))
		bad := want(t, stranger.Post(t, path, url.Values{"comunicar-descricao": {"Curto."}, "comunicar-correio": {"sem arroba"}}), http.StatusUnprocessableEntity)
		sound(t, bad)
		for _, name := range []string{"comunicar-descricao", "comunicar-correio"} {
			if summary(t, bad)[name] == "" {
				t.Errorf("%s: the summary says nothing of %s", path, name)
			}
		}
		if got := typed(labelled(t, bad, "Endereço eletrónico")); got != "sem arroba" {
			t.Errorf("what was typed became %q", got)
		}
	}
	mail := newAddress("quem")
	done := want(t, stranger.Post(t, "/ecce/comunicar-problema", url.Values{
		"comunicar-certificado": {"www.exemplo.pt"}, "comunicar-descricao": {"A chave deste sítio está publicada num repositório."}, "comunicar-correio": {mail},
	}), http.StatusOK)
	sound(t, done)
	says(t, done, "Comunicação recebida", "Será apreciada por uma pessoa até")
	app.Mail(t, mail, apptest.Found("recebida", regexp.MustCompile(`24 horas`)))
	list := want(t, by.Get(t, "/ecce/tecnico/comunicacoes"), http.StatusOK)
	sound(t, list)
	says(t, list, "www.exemplo.pt", "Por apreciar")
	at := to(t, list, "/ecce/tecnico/comunicacoes/")
	sound(t, want(t, by.Get(t, at), http.StatusOK))
	for _, who := range []*apptest.Person{stranger, servant(t, app, by)} {
		for _, path := range []string{"/ecce/tecnico/comunicacoes", at} {
			if a := who.Get(t, path); a.Status == http.StatusOK {
				t.Errorf("%s was shown to somebody who is no officer", path)
			}
		}
		if a := who.Post(t, at, url.Values{"responder.words": {"Uma resposta que não é de ninguém."}}); a.Status == http.StatusOK || a.Location() == at+"?feito=responder" {
			t.Error("answered by somebody who is no officer")
		}
	}
	bad := want(t, by.Post(t, at, url.Values{"responder.words": {"Curto."}}), http.StatusUnprocessableEntity)
	sound(t, bad)
	leads(t, by.Post(t, at, url.Values{"responder.words": {"O certificado foi revogado hoje mesmo."}}), at+"?feito=responder")
	says(t, by.Get(t, at+"?feito=responder"), "A comunicação foi respondida", "O certificado foi revogado hoje mesmo.")
	want(t, by.Post(t, at, url.Values{"responder.words": {"Outra resposta, que chegou tarde demais."}}), http.StatusConflict)
	app.Mail(t, mail, apptest.Found("resposta", regexp.MustCompile(`revogado hoje mesmo`)))

	call := want(t, stranger.Post(t, "/ecce/revogar/sem-codigo", url.Values{
		"comunicar-nome": {"Ana Exemplo"}, "comunicar-entidade": {"Direção-Geral do Exemplo"}, "comunicar-telefone": {"912 345 678"},
		"comunicar-descricao": {"Roubaram-me a mala, com o computador e a carta."},
	}), http.StatusOK)
	says(t, call, "Pedido de contacto recebido")
	says(t, by.Get(t, "/ecce/tecnico/comunicacoes"), "Pedido de contacto, sem código")
}
