import { expect, test, vi } from "vitest";

import { ClientOp, CloseCode, ServerOp, Session } from "../src/index.ts";
import { atTheFarEnd, FarEnd, newest, OWN } from "./far_end.ts";

const HELLO = [ServerOp.Hello, 1, 30_000, "edge"];
const AREA = [ServerOp.Area, "harbor-1", "/maps/harbor.json", 1, 10, 0, OWN, [], "resume-me"];
const begin = (urls: string | string[]) => {
  const ended = vi.fn();
  const lost = vi.fn();
  const session = new Session(urls, "ticket", { ended, lost });
  return { session, ended, lost };
};

atTheFarEnd();

test("an address where nobody answers is passed over, and the ticket is shown at the next", () => {
  const { ended } = begin(["ws://a/", "ws://b/"]);
  newest().ends(1006);
  expect(FarEnd.all.map(({ url }) => url)).toEqual(["ws://a/", "ws://b/"]);
  newest().says(HELLO);
  expect(newest().sent).toEqual([[ClientOp.Identify, 1, "ticket", "sdk 0.1.0"]]);
  expect(ended).not.toHaveBeenCalled();
  newest().ends(CloseCode.BadTicket, "used");
  expect(ended).toHaveBeenCalledWith(CloseCode.BadTicket, "used");
});

test("a ticket that was shown is not carried to another address", () => {
  const { ended } = begin(["ws://a/", "ws://b/"]);
  newest().says(HELLO);
  newest().ends(1006);
  expect(FarEnd.all).toHaveLength(1);
  expect(ended).toHaveBeenCalledWith(1006, "");
});

test("a lost socket is resumed", () => {
  const { ended, lost } = begin("ws://a/");
  newest().says(HELLO);
  newest().says(AREA);
  newest().ends(1006);
  expect(lost).toHaveBeenCalledWith(1006);
  vi.advanceTimersByTime(1_000);
  newest().says(HELLO);
  expect(newest().sent).toEqual([[ClientOp.Resume, 1, "resume-me"]]);
  expect(ended).not.toHaveBeenCalled();
});

test.each([CloseCode.Replaced, CloseCode.SessionEnded, CloseCode.Outdated, CloseCode.CannotResume])(
  "after %i the session does not come back by itself",
  (code) => {
    const { ended } = begin("ws://a/");
    newest().says(HELLO);
    newest().says(AREA);
    newest().ends(code, "why");
    vi.advanceTimersByTime(60_000);
    expect(FarEnd.all).toHaveLength(1);
    expect(ended).toHaveBeenCalledExactlyOnceWith(code, "why");
  },
);

test("who has closed it does not come again", () => {
  const { session } = begin("ws://a/");
  newest().says(HELLO);
  newest().says(AREA);
  newest().ends(1006);
  session.close();
  vi.advanceTimersByTime(60_000);
  expect(FarEnd.all).toHaveLength(1);
});
