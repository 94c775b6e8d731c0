package web_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestThePageOfIssuersShowsFingerprintsAndLinks(t *testing.T) {
	p := start(t).Person(t)
	a := want(t, p.Get(t, "/pki/"), http.StatusOK)
	sound(t, a)
	says(t, a, "Raiz TESTE", "Entidade Certificadora TESTE", "SHA-256", "OCSP", "Lista de revogação (CRL)")
	for _, n := range all(a.Page(t), "a") {
		if to := attr(n, "href"); strings.HasSuffix(to, ".cer") || strings.HasSuffix(to, ".crl") {
			want(t, p.Get(t, to), http.StatusOK)
		}
	}
	d := want(t, p.Get(t, "/pki/", machine), http.StatusOK)
	if d.Header.Get("Content-Type") != "application/json" {
		t.Errorf("machines get %s", d.Header.Get("Content-Type"))
	}
}
