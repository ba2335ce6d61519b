package api_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"importledger/adapters/api"
)

// kinds are the statuses of kinds of refusals, as another test has them too.
var kinds = map[string]int{"Malformed": 400, "Forbidden": 403, "NotFound": 404, "Conflict": 409, "TooLarge": 413, "Unsupported": 415, "Unacceptable": 422, "Unavailable": 503}

// named are the statuses that our own calls name.
var named = map[string]int{"StatusBadRequest": 400, "StatusUnauthorized": 401, "StatusForbidden": 403, "StatusNotFound": 404, "StatusMethodNotAllowed": 405,
	"StatusConflict": 409, "StatusPreconditionFailed": 412, "StatusRequestEntityTooLarge": 413, "StatusUnsupportedMediaType": 415, "StatusUnprocessableEntity": 422,
	"StatusInternalServerError": 500}

// ours are the calls that make an answer, with the status that they give.
var ours = map[string]int{"unavailable": 503, "tooMany": 429}

// Every code that the source gives to an answer is in the one table, with its
// status, and the table has no code that nobody gives.
func TestEveryCodeIsInTheOneTable(t *testing.T) {
	t.Parallel()
	found := codesInSource(t)
	if len(found) < 40 {
		t.Fatalf("only %d codes were found in the source", len(found))
	}
	table := api.Codes()
	for _, code := range slices.Sorted(maps.Keys(found)) {
		for status, at := range found[code] {
			if table[code] == nil {
				t.Errorf("%s: %s (%d) is not in the table", at, code, status)
			} else if status != 0 && !slices.Contains(table[code], status) {
				t.Errorf("%s: %s is answered as %d, the table says %d", at, code, status, table[code])
			}
		}
	}
	for code, statuses := range table {
		for _, status := range statuses {
			if _, said := found[code][status]; !said && found[code][0] == "" {
				t.Errorf("nobody answers %s as %d", code, status)
			}
		}
	}
}

// codesInSource gives each code's statuses (0: not said there) with a place.
func codesInSource(t *testing.T) map[string]map[int]string {
	t.Helper()
	found := map[string]map[int]string{}
	files, constants := token.NewFileSet(), map[string]string{}
	var all []*ast.File
	for _, room := range []string{"../../commands", "../../aggregate", "../api", "../auth", "../ingest", "../connectors", "../notify", "../csvfile"} {
		err := filepath.WalkDir(room, func(path string, _ fs.DirEntry, err error) error {
			// What connectors refuse while a file comes in is said over SFTP and FTPS, what is
			// refused of somebody's wishes on pages.
			if path == "../notify/wishes.go" {
				return nil
			}
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || path == "../connectors/receive.go" || path == "../connectors/sessions.go" {
				return err
			}
			file, err := parser.ParseFile(files, path, nil, 0)
			if err == nil {
				all = append(all, file)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range all {
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Names) == 1 && len(spec.Values) == 1 {
				if text, ok := literal(spec.Values[0], nil); ok {
					constants[spec.Names[0].Name] = text
				}
			}
			return true
		})
	}
	note := func(code string, status int, at token.Pos) {
		if found[code] == nil {
			found[code] = map[int]string{}
		}
		found[code][status] = files.Position(at).String()
	}
	for _, file := range all {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if code, status, ok := refusalCode(n, constants); ok {
					note(code, status, n.Pos())
				}
			case *ast.CallExpr:
				if code, status, ok := answerCode(n, constants); ok {
					note(code, status, n.Pos())
				}
			}
			return true
		})
	}
	for name, code := range constants { // the rules of files are refused by these
		if slices.Contains([]string{"FileTooLarge", "FileEmpty", "NoRows", "TooManyRows", "TooManyColumns", "HeaderEmpty", "HeaderDuplicate", "SeparatorUnsupported",
			"EncodingInvalid", "RowTooLong", "RowMalformed", "HeaderMismatch"}, name) {
			note(code, 0, 0)
		}
	}
	return found
}

// refusalCode reads commands.Refusal{Kind: …, Code: …}.
func refusalCode(lit *ast.CompositeLit, constants map[string]string) (code string, status int, ok bool) {
	if last(lit.Type) != "Refusal" {
		return "", 0, false
	}
	for _, element := range lit.Elts {
		pair, isPair := element.(*ast.KeyValueExpr)
		if !isPair {
			continue
		}
		switch last(pair.Key) {
		case "Kind":
			status = kinds[last(pair.Value)]
		case "Code":
			code, ok = literal(pair.Value, constants)
		}
	}
	return code, status, ok
}

// answerCode reads answer(http.Status…, code, …) and its like.
func answerCode(call *ast.CallExpr, constants map[string]string) (code string, status int, ok bool) {
	name := last(call.Fun)
	switch {
	case name == "answer" && len(call.Args) >= 3:
		code, ok = literal(call.Args[1], constants)
		return code, named[last(call.Args[0])], ok && last(call.Args[0]) != "statusGone" // which nobody receives
	case ours[name] != 0 && len(call.Args) == 2:
		code, ok = literal(call.Args[0], constants)
		return code, ours[name], ok
	case name == "refuse" && len(call.Args) >= 3 && kinds[last(call.Args[0])] != 0:
		code, ok = literal(call.Args[1], constants)
		return code, kinds[last(call.Args[0])], ok
	}
	return "", 0, false
}

func last(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

func literal(e ast.Expr, constants map[string]string) (string, bool) {
	if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		text, err := strconv.Unquote(lit.Value)
		return text, err == nil
	}
	text, ok := constants[last(e)]
	return text, ok
}
