package web_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"
)

func TestThePageOfHealthShowsWhatEndsAndWhen(t *testing.T) {
	p := start(t).Person(t)
	a := want(t, p.Get(t, "/pki/saude"), http.StatusOK)
	sound(t, a)
	says(t, a, "Raiz TESTE", "Entidade Certificadora TESTE", "OCSP da Raiz TESTE", "Lista de revogação", "Dias que faltam", "renova-se por si")
	d := want(t, p.Get(t, "/pki/saude", machine), http.StatusOK)
	var now struct {
		Level string `json:"level"`
		Items []struct {
			Kind  string    `json:"kind"`
			Level string    `json:"level"`
			Days  int       `json:"days_left"`
			Ends  time.Time `json:"ends"`
		} `json:"items"`
	}
	if err := json.Unmarshal([]byte(d.Body), &now); err != nil || now.Level != "good" {
		t.Fatalf("%v: %s", err, d.Body)
	}
	kinds := map[string]int{}
	for _, i := range now.Items {
		kinds[i.Kind]++
		if i.Level != "good" || i.Ends.Before(time.Now()) || i.Days < 0 {
			t.Errorf("%+v", i)
		}
	}
	if kinds["root"] != 1 || kinds["issuing"] != 1 || kinds["responder"] != 2 || kinds["list"] != 2 || kinds["stamp"] != 1 {
		t.Errorf("%v", kinds)
	}
}
