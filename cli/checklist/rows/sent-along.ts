import { finding, type Row } from "./row-definition.ts";

const EXAMPLES = {
  simulator:
    "Examples from the simulator show that the worker does what is asked. Vipps does not accept them as examples: those have to come from its own test environment (--provider test).",
  test: "The examples in this report come from Vipps' test environment, each with its time.",
  deployed:
    "The examples in this report are what a browser and this command saw of the deployed site, each with its time.",
} as const;

export const SENT_ROWS: readonly Row[] = [
  {
    id: "recent",
    section: "sent",
    title: "Request examples, not more than a month old",
    asked:
      "The examples of requests come from the test environment and are at most one month old when they are sent.",
    scenes: [],
    judge: ({ environment }) => finding({ how: EXAMPLES[environment] }),
  },
  {
    id: "description",
    section: "sent",
    title: "Description of the solution",
    asked: "A short description of the implemented solution.",
    scenes: [],
    judge: () =>
      finding({
        how: "A Cloudflare Worker in front of the site does the OpenID Connect login at the edge and hands the site a signed session.",
      }),
  },
  {
    id: "pilot",
    section: "sent",
    title: "Pilot customer",
    asked: "Information about the pilot customer.",
    scenes: [],
    judge: () => finding({ how: "Only the merchant or partner knows." }),
  },
  {
    id: "video",
    section: "sent",
    title: "Video of the login",
    asked:
      "A video that shows a login that succeeds and one that the user rejects, or test access for Vipps to try.",
    scenes: [],
    judge: () =>
      finding({ how: "Recorded on a phone, with the app: a screen recording of both, one after the other." }),
  },
];
