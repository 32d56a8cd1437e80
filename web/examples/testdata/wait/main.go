package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"
)

const event = `{"id": "lab-998592321-displayable", "type": "lab.first_displayable", "consumer": "contoso", "data": {"Id": 998592321}}`

// A little longer than Labhook is asked to wait.
var client = &http.Client{Timeout: 90 * time.Second}

// verdict is what the lab is to do.
type verdict struct {
	Action        string   `json:"action"` // continue, notify_user or end_lab
	Notifications []string `json:"notifications"`
}

// wait posts an event and returns when its blocking webhooks have ended: 200. While they go on, the answer is 202, and
// posting the same event again waits on.
func wait(event string) (v verdict, err error) {
	for status := http.StatusAccepted; status == http.StatusAccepted; {
		req, err := http.NewRequest(http.MethodPost, os.Getenv("LABHOOK_URL")+"/api/v1/events?wait=60", bytes.NewBufferString(event))
		if err != nil {
			return v, err
		}
		req.Header.Set("Authorization", "Bearer "+os.Getenv("LABHOOK_KEY"))
		req.Header.Set("Content-Type", "application/json")
		res, err := client.Do(req)
		if err != nil {
			return v, err
		}
		status = res.StatusCode
		err = json.NewDecoder(res.Body).Decode(&v)
		res.Body.Close()
		if err != nil {
			return v, err
		}
		if status != http.StatusOK && status != http.StatusAccepted {
			return v, fmt.Errorf("Labhook answered %s", res.Status)
		}
	}
	return v, nil
}

func main() {
	v, err := wait(event)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(v.Action)
	for _, text := range v.Notifications {
		fmt.Println(text) // for the lab's user
	}
}
