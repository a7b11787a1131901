// The page at `/`: three views of one broker. README, section Dashboard, says what each shows.

import { BrokerView } from './broker/view.js';
import { ExploreView } from './explore/view.js';
import { LiveView } from './live/view.js';
import { eachFrame, seldom } from './frame.js';
import { isOperators, showLink } from './link.js';
import { connectTheme } from './theme.js';
import { connectViews } from './views.js';

const LINK_EVERY_MS = 100;

connectTheme(document.getElementById('theme'));
const broker = () => new BrokerView();
connectViews(isOperators ? { broker } : { live: () => new LiveView(), explore: () => new ExploreView(), broker });
eachFrame(seldom(LINK_EVERY_MS, showLink));
