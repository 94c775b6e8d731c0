package api_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"chancela/internal/api"
)

// described is the part of an OpenAPI document that these tests hold against the program.
type described map[string]any

func read(t *testing.T) described {
	t.Helper()
	data, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var d map[string]any
	if err := yaml.Unmarshal(data, &d); err != nil {
		t.Fatal(err)
	}
	return described(d)
}

func at(t *testing.T, from any, path ...string) map[string]any {
	t.Helper()
	if d, is := from.(described); is {
		from = map[string]any(d)
	}
	for _, name := range path {
		m, _ := from.(map[string]any)
		if from = m[name]; from == nil {
			t.Fatalf("no %s", strings.Join(path, "/"))
		}
	}
	m, ok := from.(map[string]any)
	if !ok {
		t.Fatalf("%s is no object", strings.Join(path, "/"))
	}
	return m
}

func TestTheDocumentAndTheRouterHaveTheSameAddresses(t *testing.T) {
	var written []string
	for path, item := range at(t, read(t), "paths") {
		for method := range item.(map[string]any) {
			written = append(written, strings.ToUpper(method)+" "+path)
		}
	}
	routed := api.Routes()
	slices.Sort(written)
	slices.Sort(routed)
	if !slices.Equal(written, routed) {
		t.Errorf("the document has %q, the router %q", written, routed)
	}
}

// TestTheDocumentIsWhole asks what OpenAPI 3.1 asks of every operation, and that whatever is referred to is there.
func TestTheDocumentIsWhole(t *testing.T) {
	d := read(t)
	if d["openapi"] != "3.1.0" || at(t, d, "info")["title"] == "" || at(t, d, "info")["version"] != "1" {
		t.Error("not the head of an OpenAPI 3.1 described")
	}
	ids := map[string]bool{}
	for path, item := range at(t, d, "paths") {
		for method, raw := range item.(map[string]any) {
			operation := raw.(map[string]any)
			id, _ := operation["operationId"].(string)
			if id == "" || ids[id] {
				t.Errorf("%s %s: operationId %q", method, path, id)
			}
			ids[id] = true
			checkResponses(t, method+" "+path, operation)
			for _, name := range regexp.MustCompile(`\{([a-z]+)\}`).FindAllStringSubmatch(path, -1) {
				if !hasParameter(t, d, operation, name[1]) {
					t.Errorf("%s %s: no parameter %s", method, path, name[1])
				}
			}
		}
	}
	followReferences(t, d, d)
}

func checkResponses(t *testing.T, where string, operation map[string]any) {
	t.Helper()
	responses, _ := operation["responses"].(map[string]any)
	good := false
	for status := range responses {
		if !regexp.MustCompile(`^[2-5][0-9]{2}$`).MatchString(status) {
			t.Errorf("%s: status %s", where, status)
		}
		good = good || status[0] == '2'
	}
	if !good {
		t.Errorf("%s: no response says how it goes well", where)
	}
	_, open := operation["security"]
	if _, refuses := responses["401"]; refuses == open {
		t.Errorf("%s: either anybody may, or 401 is told", where)
	}
}

func hasParameter(t *testing.T, d described, operation map[string]any, name string) bool {
	t.Helper()
	all, _ := operation["parameters"].([]any)
	return slices.ContainsFunc(all, func(one any) bool {
		ref, _ := one.(map[string]any)["$ref"].(string)
		p := at(t, d, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
		return p["name"] == name && p["in"] == "path" && p["required"] == true
	})
}

func followReferences(t *testing.T, d described, within any) {
	t.Helper()
	switch node := within.(type) {
	case described:
		followReferences(t, d, map[string]any(node))
	case map[string]any:
		if ref, ok := node["$ref"].(string); ok {
			at(t, d, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
		}
		for _, child := range node {
			followReferences(t, d, child)
		}
	case []any:
		for _, child := range node {
			followReferences(t, d, child)
		}
	}
}
