const event = {
  id: "lab-998592321-displayable", type: "lab.first_displayable", consumer: "contoso", data: { Id: 998592321 },
};

// Returns when the event's blocking webhooks have ended: 200. While they go on, the answer is 202, and posting the same
// event again waits on.
async function wait(event) {
  for (;;) {
    const answer = await fetch(`${process.env.LABHOOK_URL}/api/v1/events?wait=60`, {
      method: "POST", body: JSON.stringify(event), signal: AbortSignal.timeout(90_000),
      headers: { Authorization: `Bearer ${process.env.LABHOOK_KEY}`, "Content-Type": "application/json" },
    });
    if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
    const verdict = await answer.json();
    if (answer.status === 200) return verdict;
  }
}

const { action, notifications } = await wait(event);
console.log(action); // continue, notify_user or end_lab
for (const text of notifications) console.log(text); // for the lab's user
