package internal_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

func generated(path string) bool { return strings.HasSuffix(path, "_templ.go") }

// judgeGlobals looks at the files of one package: no init function, and no
// package variable but embedded files, what an immutable function gave, and
// tables that nothing in the package writes to.
func judgeGlobals(files []source) []string {
	var problems []string
	var trees []*ast.File
	set := token.NewFileSet()
	for _, f := range files {
		tree, err := parser.ParseFile(set, f.path, f.text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			continue // the compiler says it better
		}
		trees = append(trees, tree)
	}
	written := writtenNames(trees)
	for _, tree := range trees {
		for _, decl := range tree.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				if decl.Recv == nil && decl.Name.Name == "init" {
					problems = append(problems, fmt.Sprintf("%s: no init(): whoever needs it calls it", set.Position(decl.Pos())))
				}
			case *ast.GenDecl:
				for _, name := range badGlobals(decl, written) {
					problems = append(problems, fmt.Sprintf("%s: %s is global and can change", set.Position(name.Pos()), name.Name))
				}
			}
		}
	}
	return problems
}

func badGlobals(decl *ast.GenDecl, written map[string]bool) []*ast.Ident {
	if decl.Tok != token.VAR {
		return nil
	}
	var bad []*ast.Ident
	for _, spec := range decl.Specs {
		vars, ok := spec.(*ast.ValueSpec)
		if !ok || embedded(decl.Doc) || embedded(vars.Doc) {
			continue
		}
		for i, name := range vars.Names {
			constant := i < len(vars.Values) && settled(vars.Values[i]) && !written[name.Name]
			if name.Name != "_" && !constant {
				bad = append(bad, name)
			}
		}
	}
	return bad
}

func embedded(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool {
		return strings.HasPrefix(c.Text, "//go:embed ")
	})
}

// settled tells whether a value is fixed once the program runs: a literal, a
// table of such, a conversion, or what an immutable function gave. A pointer, a
// channel or the result of any other call is not.
func settled(value ast.Expr) bool {
	switch v := value.(type) {
	case *ast.BasicLit, *ast.Ident, *ast.SelectorExpr, *ast.FuncLit:
		return true
	case *ast.ParenExpr:
		return settled(v.X)
	case *ast.UnaryExpr:
		return v.Op != token.AND && v.Op != token.ARROW && settled(v.X)
	case *ast.BinaryExpr:
		return settled(v.X) && settled(v.Y)
	case *ast.KeyValueExpr:
		return settled(v.Key) && settled(v.Value)
	case *ast.CompositeLit:
		return !mutableType(v.Type) && !slices.ContainsFunc(v.Elts, func(e ast.Expr) bool { return !settledEntry(e) })
	case *ast.CallExpr:
		return settledCall(v)
	}
	return false
}

// settledEntry lets a table's entries call a function of their own package, as
// one that encodes a constant does.
func settledEntry(e ast.Expr) bool {
	if pair, ok := e.(*ast.KeyValueExpr); ok {
		return settledEntry(pair.Key) && settledEntry(pair.Value)
	}
	if call, ok := e.(*ast.CallExpr); ok {
		if _, own := call.Fun.(*ast.Ident); own {
			return !slices.ContainsFunc(call.Args, func(a ast.Expr) bool { return !settled(a) })
		}
	}
	return settled(e)
}

// mutableType knows the types that exist to be changed.
func mutableType(t ast.Expr) bool {
	sel, ok := t.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, _ := sel.X.(*ast.Ident)
	return pkg != nil && slices.Contains([]string{"sync", "atomic", "http", "sql", "rand"}, pkg.Name)
}

func settledCall(call *ast.CallExpr) bool {
	wrong := func(a ast.Expr) bool { return !settled(a) && !inner(a) }
	if slices.ContainsFunc(call.Args, wrong) {
		return false
	}
	fun := call.Fun
	if generic, ok := fun.(*ast.IndexExpr); ok {
		fun = generic.X
	}
	switch fun := fun.(type) {
	case *ast.ArrayType, *ast.MapType: // a conversion: []byte("…")
		return true
	case *ast.Ident: // a conversion to a basic type
		return slices.Contains([]string{"string", "int", "int64", "byte", "rune", "uint64", "float64"}, fun.Name)
	case *ast.SelectorExpr:
		pkg, ok := fun.X.(*ast.Ident)
		return ok && slices.Contains(immutable, pkg.Name+"."+fun.Sel.Name)
	}
	return false
}

// inner lets template.Must(template.New(…).Parse(…)) and options such as
// idna.BidiRule() through: they are judged by what takes them.
func inner(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	_, ok = call.Fun.(*ast.SelectorExpr)
	return ok
}

// writtenNames gathers every name that the package assigns to, changes an
// element of, deletes from, or takes the address of. It does not tell a local
// variable from a global one of the same name; such a global wants another name.
func writtenNames(trees []*ast.File) map[string]bool {
	written := map[string]bool{}
	mark := func(e ast.Expr) {
		if name := base(e); name != "" {
			written[name] = true
		}
	}
	for _, tree := range trees {
		ast.Inspect(tree, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				if n.Tok != token.DEFINE {
					for _, left := range n.Lhs {
						mark(left)
					}
				}
			case *ast.IncDecStmt:
				mark(n.X)
			case *ast.UnaryExpr:
				if _, literal := n.X.(*ast.CompositeLit); n.Op == token.AND && !literal {
					mark(n.X)
				}
			case *ast.CallExpr:
				if fun, ok := n.Fun.(*ast.Ident); ok && (fun.Name == "delete" || fun.Name == "clear") && len(n.Args) > 0 {
					mark(n.Args[0])
				}
			}
			return true
		})
	}
	return written
}

// base is the name an assignment's left side begins with.
func base(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.IndexExpr:
		return base(e.X)
	case *ast.SelectorExpr:
		return base(e.X)
	case *ast.StarExpr:
		return base(e.X)
	case *ast.ParenExpr:
		return base(e.X)
	}
	return ""
}
