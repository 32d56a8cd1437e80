package api

import "context"

// Setting is something that the server was started with.
type Setting struct {
	Group  string `json:"group" doc:"What it is about, such as Delivery"`
	Name   string `json:"name"`
	Label  string `json:"label"`
	Value  string `json:"value" doc:"As it was given, secrets masked; empty: nothing was given"`
	Source string `json:"source" enum:"flag,environment,file,default" doc:"Where the value comes from; file: one that a variable names"`
	Flag   string `json:"flag" doc:"Flag of labhook serve that sets it"`
	Env    string `json:"env" doc:"Environment variable that sets it; with _FILE at its end it names a file with the value"`
	About  string `json:"about"`
}

// listSettings answers with all settings.
func (s *server) listSettings(context.Context, *none) (*answer[List[Setting]], error) {
	return wholeList(s.Settings, func(one Setting) Setting { return one }), nil
}
